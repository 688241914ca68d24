"""OCI image layouts, as folders and as tars of them."""
