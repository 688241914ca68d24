from tests.conda_docker.settings import home, serve

__all__ = ["home", "serve"]
