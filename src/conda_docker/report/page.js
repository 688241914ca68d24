
"use strict";
(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const layersOf = report.comparison && report.comparison.layers;
  const newDigests = new Set(layersOf ? layersOf.new.map((layer) => layer.digest) : []);
  const byId = (id) => document.getElementById(id);

  // What comes from the image is only ever shown as text.
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "on") for (const [event, heard] of Object.entries(value)) made.addEventListener(event, heard);
      else if (name === "style") Object.assign(made.style, value);
      else made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  }

  function bytes(size) {
    if (size < 1000) return `${Math.round(size)} B`;
    for (const unit of ["kB", "MB", "GB", "TB"]) {
      size /= 1000;
      if (size < 999.95 || unit === "TB") return `${size.toFixed(1)} ${unit}`;
    }
  }
  const percent = (part, whole) => {
    const value = whole ? (part / whole) * 100 : 0;
    return value && value < 0.1 ? "less than 0.1%" : `${value.toFixed(value < 10 ? 1 : 0)}%`;
  };
  const number = (value) => value.toLocaleString("en-US").replaceAll(",", "\u202f");
  const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
  const short = (digest) => digest.replace(/^(\w+:)?([0-9a-f]{12})[0-9a-f]*$/, "$2");
  const channelName = (channel) => channel && (channel.replace(/\/+$/, "").split("/").pop() || channel);

  // -- the tree: layers, packages, folders -------------------------------------------------------------------------

  const KINDS = {
    base: "base image", conda: "conda packages", pypi: "pip packages", other: "other files",
  };
  const ONE = { conda: "conda package", pypi: "pip package", folder: "folder", file: "file", rest: "the rest" };

  function layerNode(layer) {
    const only = layer.parts.length === 1 && ["conda", "pypi"].includes(layer.parts[0].kind) ? layer.parts[0] : null;
    const packages = layer.parts.filter((part) => part.kind === "conda" || part.kind === "pypi");
    let kind = layer.kind === "base" ? "base" : layer.packages.length ? "conda" : "other";
    if (only) kind = only.kind;
    else if (packages.length && packages.every((part) => part.kind === "pypi") && kind !== "base") kind = "pypi";
    const node = {
      label: only ? only.name : layer.title,
      what: only ? `${ONE[only.kind]}, layer ${layer.number}` : `layer ${layer.number}, ${kindOfLayer(layer)}`,
      kind, stored: layer.size, unpacked: layer.unpacked, files: layer.files, exact: true,
      fresh: newDigests.has(layer.digest), held: layer.packages,
    };
    // What is of no package is something else, unless it is the base's.
    node.children = childrenOf(only ? only.parts : layer.parts, !only && packages.length && kind !== "base" ? "other" : kind, layer);
    return node;
  }

  // A folder that is nearly all there is is shown by what is in it; what nothing more is known of does not open.
  function childrenOf(parts, kind, layer, folder = "") {
    if (parts.every((part) => part.kind === "rest")) return [];
    const total = parts.reduce((sum, part) => sum + part.size, 0);
    return parts.flatMap((part) => {
      const inner = part.kind === "folder" && part.size > 0.9 * total ? childrenOf(part.parts, kind, layer, folder + part.name) : [];
      return inner.length ? inner : [partNode(part, kind, layer, folder)];
    });
  }

  function partNode(part, kind, layer, folder) {
    const own = part.kind === "pypi" || part.kind === "conda" ? part.kind : kind;
    const node = {
      label: part.kind === "rest" ? count(part.files, "smaller file") : part.name,
      what: `${ONE[part.kind]}${folder ? ` in ${folder}` : ""}`,
      kind: own, unpacked: part.size, files: part.files, exact: false, fresh: newDigests.has(layer.digest),
      stored: layer.unpacked ? (layer.size * part.size) / layer.unpacked : 0,
    };
    node.children = childrenOf(part.parts, own, layer, part.kind === "folder" ? folder + part.name : "");
    return node;
  }

  function kindOfLayer(layer) {
    return layer.kind === "other" ? (layer.packages.length ? "packages" : "files") : layer.kind;
  }

  const root = {
    label: report.name, what: "the image", kind: "other", stored: report.size, unpacked: report.unpacked,
    files: report.files, exact: true, children: report.layers.map(layerNode),
  };

  // -- the map -----------------------------------------------------------------------------------------------------

  const HEAD = 20, EDGE = 3;
  let measure = "stored";
  // Of one layer nothing is learned: what is in it is shown at once.
  let trail = root.children.length === 1 && root.children[0].children.length ? [root, root.children[0]] : [root];
  let focused = 0;
  const value = (node) => node[measure] || 0;

  // Rows of rectangles that are as square as can be (Bruls, Huizing, van Wijk: Squarified Treemaps).
  function squarify(nodes, width, height) {
    const sorted = nodes.filter((node) => value(node) > 0).sort((a, b) => value(b) - value(a));
    const total = sorted.reduce((sum, node) => sum + value(node), 0);
    const places = [];
    if (!total || width <= 0 || height <= 0) return places;
    const scale = (width * height) / total;
    let x = 0, y = 0, row = [], area = 0;
    const worst = (row, area, side) => {
      const thickness = area / side;
      return Math.max(...[row[0], row[row.length - 1]].map((node) => {
        const length = (value(node) * scale) / thickness;
        return Math.max(length / thickness, thickness / length);
      }));
    };
    const place = () => {
      const across = width - x < height - y;
      const side = across ? width - x : height - y;
      const thickness = area / side;
      let at = across ? x : y;
      for (const node of row) {
        const length = (value(node) * scale) / thickness;
        places.push(across ? { node, x: at, y, w: length, h: thickness } : { node, x, y: at, w: thickness, h: length });
        at += length;
      }
      if (across) y += thickness; else x += thickness;
    };
    for (const node of sorted) {
      const side = Math.min(width - x, height - y), own = value(node) * scale;
      if (row.length && worst([...row, node], area + own, side) > worst(row, area, side)) {
        place();
        row = [];
        area = 0;
      }
      row.push(node);
      area += own;
    }
    place();
    return places;
  }

  // In parts of the whole, so that the map keeps its form on paper and while a window changes.
  const at = (place, width, height) => ({
    left: `${(place.x / width) * 100}%`, top: `${(place.y / height) * 100}%`,
    width: `${(place.w / width) * 100}%`, height: `${(place.h / height) * 100}%`,
  });
  const sizeOf = (node) => `${measure === "stored" && !node.exact ? "≈ " : ""}${bytes(value(node))}`;

  function tell(node) {
    const told = byId("told");
    const sizes = [`${node.exact ? "" : "About "}${bytes(node.stored)} to download`];
    if (node.unpacked !== null && node.unpacked !== undefined) sizes.push(`${bytes(node.unpacked)} on disk`);
    if (node.files) sizes.push(count(node.files, "file"));
    const more = node.held && node.held.length > 1 ? `: ${node.held.slice(0, 12).join(", ")}${node.held.length > 12 ? ` and ${node.held.length - 12} more` : ""}` : "";
    told.replaceChildren(
      element("b", {}, node.label), ` — ${node.what}${more}. ${sizes.join(", ")}; `,
      `${percent(value(node), value(root))} of the image${node.fresh ? "; new" : ""}.`,
    );
  }

  function describe(node) {
    return `${node.label}, ${node.what}, ${sizeOf(node)}, ${percent(value(node), value(root))} of the image`
      + `${node.fresh ? ", new" : ""}${node.children.length ? "" : ", does not open"}`;
  }

  function partTile(place, width, height) {
    const { node } = place;
    const label = place.w > 30 && place.h > 17
      ? [element("span", { class: "name" }, node.label), place.h > 33 && place.w > 64 ? element("span", { class: "size" }, sizeOf(node)) : null]
      : [];
    return element("span", {
      class: `part ${node.kind}`, style: at(place, width, height),
      on: { mouseenter: () => tell(node) },
    }, element("span", {}, label));
  }

  function tile(place, index, width, height) {
    const { node } = place;
    const thin = place.w < 4 || place.h < 4;
    const face = element("span", { class: thin ? "face thin" : "face", "aria-hidden": "true" });
    if (place.w > 30 && place.h > 22) {
      face.append(element("span", { class: "title" },
        element("span", { class: "name" }, node.label),
        node.fresh && place.w > 190 ? element("span", { class: "badge" }, "new") : null,
        place.w > 120 ? element("span", { class: "size" }, sizeOf(node)) : null));
      const inner = [place.w - 2 - 2 * EDGE, place.h - 2 - HEAD - EDGE];
      if (node.children.length && inner[0] > 24 && inner[1] > 14) {
        face.append(element("span", { class: "inside" }, squarify(node.children, ...inner).map((part) => partTile(part, ...inner))));
      }
    }
    return element("button", {
      type: "button", class: `tile ${node.kind}${node.fresh ? " new" : ""}`, style: at(place, width, height),
      tabindex: index === focused ? "0" : "-1", "aria-label": describe(node),
      "data-opens": node.children.length > 0,
      on: {
        click: () => open(node), mouseenter: () => tell(node),
        focus: () => { focused = index; tell(node); },
      },
    }, face);
  }

  let places = [];
  function draw(focus) {
    const map = byId("treemap"), current = trail[trail.length - 1];
    const width = map.clientWidth, height = map.clientHeight;
    const nodes = current.children.length ? current.children : [current];
    places = squarify(nodes, width, height);
    focused = Math.min(Math.max(focused, 0), Math.max(places.length - 1, 0));
    map.replaceChildren(...places.map((place, index) => tile(place, index, width, height)));
    if (!places.length) map.append(element("p", { class: "none" }, "There is nothing in it."));
    byId("path").replaceChildren(...trail.map((node, index) => element("li", {},
      index === trail.length - 1 ? element("span", { "aria-current": "location" }, node.label)
        : element("button", { type: "button", on: { click: () => back(index) } }, node.label))));
    tell(current);
    if (focus) roam(focused);
  }

  function roam(index) {
    const tiles = byId("treemap").querySelectorAll(".tile");
    if (!tiles.length) return;
    tiles.forEach((each, position) => each.setAttribute("tabindex", position === index ? "0" : "-1"));
    tiles[index].focus();
  }

  function open(node) {
    if (!node.children.length) return;
    trail.push(node);
    focused = 0;
    draw(true);
  }

  function back(depth) {
    if (depth < 0 || depth >= trail.length - 1) return;
    const left = trail[depth + 1];
    trail = trail.slice(0, depth + 1);
    draw(false);
    focused = Math.max(0, places.findIndex((place) => place.node === left));
    roam(focused);
  }

  // The nearest tile in a direction, by the distance of middles; what lies aside counts double.
  function neighbour(dx, dy) {
    const from = places[focused];
    const middle = (place) => [place.x + place.w / 2, place.y + place.h / 2];
    const [x, y] = middle(from);
    let best = -1, least = Infinity;
    places.forEach((place, index) => {
      const [px, py] = middle(place);
      const along = (px - x) * dx + (py - y) * dy, aside = Math.abs((px - x) * dy + (py - y) * dx);
      if (index !== focused && along > 0.5 && along + 2 * aside < least) {
        best = index;
        least = along + 2 * aside;
      }
    });
    return best;
  }

  byId("treemap").addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in steps) {
      const found = neighbour(...steps[event.key]);
      if (found >= 0) roam(found);
    } else if (event.key === "Home") roam(0);
    else if (event.key === "End") roam(places.length - 1);
    else if (event.key === "Escape" || event.key === "Backspace") back(trail.length - 2);
    else return;
    event.preventDefault();
  });
  byId("treemap").addEventListener("mouseleave", () => tell(trail[trail.length - 1]));

  function chooseMeasure() {
    const choices = { stored: "To download", unpacked: "On disk" };
    if (report.unpacked === null) return [];
    return Object.entries(choices).map(([key, label]) => element("button", {
      type: "button", "aria-pressed": String(key === measure),
      on: { click: () => {
        measure = key;
        byId("measure").querySelectorAll("button").forEach((each) => each.setAttribute("aria-pressed", String(each.textContent === label)));
        draw(false);
      } },
    }, label));
  }

  function drawLegend() {
    const kinds = new Set();
    const visit = (node) => { kinds.add(node.kind); node.children.forEach(visit); };
    root.children.forEach(visit);
    byId("legend").replaceChildren(
      ...Object.keys(KINDS).filter((kind) => kinds.has(kind)).map((kind) =>
        element("li", {}, element("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), KINDS[kind])),
      ...(newDigests.size ? [element("li", {}, element("span", { class: "swatch new", "aria-hidden": "true" }), "new, not shared")] : []));
  }

  // -- tables ------------------------------------------------------------------------------------------------------

  function table(caption, columns, rows, sorted) {
    const body = element("tbody");
    const heads = columns.map((column) => element("th", { scope: "col", class: column.number ? "number" : null },
      element("button", { type: "button", on: { click: () => sortBy(column) } }, column.title)));
    let wanted = () => true;
    const state = { column: columns.find((column) => column.title === sorted) || columns[0], down: false };
    state.down = Boolean(state.column.number && state.column.title !== "Layer");
    function sortBy(column) {
      state.down = state.column === column ? !state.down : Boolean(column.number && column.title !== "Layer");
      state.column = column;
      fill();
    }
    function fill() {
      const key = state.column.key, sign = state.down ? -1 : 1;
      const order = (a, b) => {
        const [one, two] = [key(a), key(b)];
        // What is not known comes last, whichever way.
        if (one === null || two === null) return (one === null) - (two === null);
        return sign * (typeof one === "number" ? one - two : one.localeCompare(two, "en", { numeric: true }));
      };
      body.replaceChildren(...rows.filter(wanted).sort(order).map((row) => element("tr", {},
        columns.map((column) => element("td", { class: [column.number ? "number" : "", column.class || ""].join(" ").trim() || null },
          column.cell(row))))));
      columns.forEach((column, index) => heads[index].setAttribute("aria-sort",
        column !== state.column ? "none" : state.down ? "descending" : "ascending"));
    }
    fill();
    return {
      shown: element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
        element("table", {}, element("thead", {}, element("tr", {}, heads)), body)),
      filter(test) { wanted = test; fill(); return body.childElementCount; },
    };
  }

  function plainTable(caption, titles, rows) {
    return element("table", { "aria-label": caption },
      element("thead", {}, element("tr", {}, titles.map((title) => element("th", { scope: "col", class: "plain" }, title)))),
      element("tbody", {}, rows.map((row) => element("tr", {}, row.map((cell, index) =>
        element("td", { class: index ? "mono" : "mono key" }, cell))))));
  }

  const meter = (part, whole) => element("span", { class: "meter", "aria-hidden": "true" },
    element("i", { style: { width: `${whole ? (part / whole) * 100 : 0}%` } }));

  function drawPackages() {
    const packages = report.packages;
    if (!packages || !packages.length) return;
    const sized = packages.some((each) => each.size !== null);
    const largest = Math.max(...packages.map((each) => each.size || 0));
    const several = new Set(packages.map((each) => each.prefix)).size > 1;
    const columns = [
      { title: "Package", key: (row) => row.name.toLowerCase(), class: "name", cell: (row) => [
        row.name, row.kind === "pypi" ? element("span", { class: "badge" }, "pip") : null,
        row.requested ? element("span", { class: "badge" }, "asked for") : null] },
      { title: "Version", key: (row) => row.version, cell: (row) => [row.version, row.build ? element("span", { class: "sub" }, ` ${row.build}`) : null] },
      { title: "License", key: (row) => row.license, cell: (row) => row.license || element("span", { class: "none" }, sized ? "not stated" : "unknown") },
      { title: "Channel", key: (row) => row.channel && channelName(row.channel).toLowerCase(), cell: (row) => element("span", { title: row.channel }, channelName(row.channel) || "") },
      { title: "Layer", number: true, key: (row) => row.layer, cell: (row) => String(row.layer ?? "") },
    ];
    if (several) columns.splice(4, 0, { title: "Prefix", key: (row) => row.prefix, cell: (row) => row.prefix });
    if (sized) columns.push({ title: "On disk", number: true, key: (row) => row.size,
      cell: (row) => row.size === null ? "" : [bytes(row.size), meter(row.size, largest)] });
    const made = table("Packages", columns, packages, sized ? "On disk" : "Package");
    const found = element("span", { class: "soft", role: "status" });
    const search = element("input", { type: "search", placeholder: "Search", "aria-label": "Search packages by name, version, license or channel", autocomplete: "off", spellcheck: "false" });
    const text = (row) => [row.name, row.version, row.build, row.license, row.channel, row.kind === "pypi" ? "pip" : "conda", row.requested ? "asked for" : ""].join(" ").toLowerCase();
    let license = null;
    const licenseOf = (row) => row.license || "not stated";
    function refine() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const left = made.filter((row) => words.every((word) => text(row).includes(word)) && (license === null || licenseOf(row) === license));
      found.textContent = left === packages.length ? count(left, "package") : `${left} of ${count(packages.length, "package")}`;
    }
    search.addEventListener("input", refine);
    const counts = new Map();
    for (const row of packages) counts.set(licenseOf(row), (counts.get(licenseOf(row)) || 0) + 1);
    const facets = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 14).map(([name, times]) => element("li", {},
      element("button", { type: "button", "aria-pressed": "false", on: { click: (event) => {
        license = license === name ? null : name;
        list.querySelectorAll("button").forEach((each) => each.setAttribute("aria-pressed", String(each === event.currentTarget && license !== null)));
        refine();
      } } }, name.length > 40 ? `${name.slice(0, 39)}…` : name, element("span", { class: "count" }, String(times)))));
    const list = element("ul", { class: "facets", "aria-label": "Licenses" }, facets);
    refine();
    show("packages", element("div", { class: "heading" }, element("h2", { id: "packages-title" }, "Packages"), element("div", { class: "finder" }, found, search)),
      sized && counts.size > 1 ? list : null, made.shown);
  }

  function drawLayers() {
    const whole = Math.max(...report.layers.map((layer) => layer.size), 0);
    const columns = [
      { title: "Layer", key: (row) => row.number, cell: (row) => String(row.number) },
      { title: "What it is", key: (row) => row.title.toLowerCase(), cell: (row) => [
        element("span", { title: row.created_by }, row.title),
        newDigests.has(row.digest) ? element("span", { class: "badge" }, "new") : null] },
      { title: "Kind", key: (row) => kindOfLayer(row), class: "solid", cell: (row) => kindOfLayer(row) },
      { title: "Digest", key: (row) => row.digest, class: "mono", cell: (row) => element("span", { title: row.digest }, short(row.digest)) },
    ];
    if (report.unpacked !== null) {
      columns.push({ title: "Files", number: true, key: (row) => row.files, cell: (row) => number(row.files) });
      columns.push({ title: "On disk", number: true, key: (row) => row.unpacked, cell: (row) => bytes(row.unpacked) });
    }
    columns.push({ title: "To download", number: true, key: (row) => row.size, cell: (row) => [bytes(row.size), meter(row.size, whole)] });
    show("layers", element("div", { class: "heading" }, element("h2", { id: "layers-title" }, "Layers")),
      report.layers.length ? table("Layers", columns, report.layers, "Layer").shown : element("p", { class: "none" }, "The image has no layers."));
  }

  function drawCompared() {
    const found = report.comparison;
    if (!found) return;
    const parts = [element("div", { class: "heading" }, element("h2", { id: "compared-title" }, `Compared with ${found.before}`))];
    const sum = (layers) => layers.reduce((total, layer) => total + layer.size, 0);
    if (layersOf) {
      const shared = sum(layersOf.shared), fresh = layersOf.download;
      parts.push(
        element("p", {}, "A machine that has it downloads ", element("b", {}, bytes(fresh)), ` of ${bytes(shared + fresh)} (${percent(fresh, shared + fresh)}).`),
        element("div", { class: "shares", "aria-hidden": "true" },
          element("i", { style: { flexGrow: String(shared) } }), element("i", { class: "new", style: { flexGrow: String(fresh) } })),
        element("p", { class: "soft" }, `${count(layersOf.shared.length, "layer")} shared (${bytes(shared)}), `
          + `${layersOf.new.length} new (${bytes(sum(layersOf.new))}), ${layersOf.gone.length} of the other image no longer there (${bytes(sum(layersOf.gone))}).`));
    }
    if (found.added === null) {
      parts.push(element("p", { class: "soft" }, "One of the two does not say which packages are in it."));
    } else {
      const build = (each) => `${each.version}${each.build ? ` ${each.build}` : ""}`;
      const rows = [
        ...found.changed.map(({ before, after }) => ({ what: "changed", sign: "~", each: after, from: build(before), to: build(after) })),
        ...found.added.map((each) => ({ what: "added", sign: "+", each, from: "", to: build(each) })),
        ...found.removed.map((each) => ({ what: "removed", sign: "−", each, from: build(each), to: "" })),
      ];
      parts.push(element("p", {}, `${found.changed.length} changed, ${found.added.length} added, ${found.removed.length} removed; ${count(found.same, "package")} the same.`));
      if (rows.length) parts.push(table("Packages that differ", [
        { title: "Package", key: (row) => row.each.name.toLowerCase(), cell: (row) => row.each.name },
        { title: "Change", key: (row) => row.what, class: "solid", cell: (row) => [element("span", { "aria-hidden": "true" }, `${row.sign} `), row.what] },
        { title: "There", key: (row) => row.from, cell: (row) => row.from },
        { title: "Here", key: (row) => row.to, cell: (row) => row.to },
      ], rows, "Package").shown);
    }
    show("compared", ...parts);
  }

  // -- what it runs with -------------------------------------------------------------------------------------------

  const words = (list) => list.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)).join(" ");

  function drawRuntime() {
    const runtime = report.runtime;
    const facts = [
      ["Entrypoint", words(runtime.entrypoint)], ["Command", words(runtime.cmd)], ["User", runtime.user || "root, as none is set"],
      ["Working directory", runtime.workdir || "/"], ["Ports", runtime.ports.join(", ")], ["Volumes", runtime.volumes.join(", ")],
      ["Stop signal", runtime.stop_signal], ["Health check", words(runtime.healthcheck)],
    ].filter(([, text]) => text);
    for (const each of report.environments) {
      facts.push(["Environment", `${each.prefix} (${each.subdir})`]);
      if (each.requested.length) facts.push(["Asked for", each.requested.join(", ")]);
    }
    const lists = [["Environment variables", "Variable", runtime.env], ["Labels", "Label", Object.entries(runtime.labels)],
      ["Annotations", "Annotation", Object.entries(report.annotations)]];
    show("runtime", element("div", { class: "heading" }, element("h2", { id: "runtime-title" }, "What it runs with")),
      element("dl", { class: "facts" }, facts.map(([name, text]) => [element("dt", {}, name), element("dd", { class: "mono" }, text)])),
      lists.filter(([, , rows]) => rows.length).map(([title, name, rows]) =>
        element("div", { class: "group" }, element("h3", {}, title), plainTable(title, [name, "Value"], rows))));
  }

  function drawRun() {
    const titles = { docker: "Docker", podman: "Podman", kubernetes: "Kubernetes" };
    show("run", element("div", { class: "heading" }, element("h2", { id: "run-title" }, "Run it")),
      element("div", { class: "commands" }, report.run.map(({ program, text }) => {
        const code = element("pre", { tabindex: "0", "aria-label": `${titles[program]} commands` }, text);
        const button = element("button", { type: "button", class: "copy", on: { click: () => copy(code, button) } }, "Copy");
        return element("div", { class: "command" }, element("div", { class: "heading" }, element("h3", {}, titles[program]), button), code);
      })));
  }

  async function copy(from, button) {
    try {
      await navigator.clipboard.writeText(from.textContent);
    } catch {
      // Where pages may not write to the clipboard themselves.
      const range = document.createRange();
      range.selectNodeContents(from);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  // -- the page ----------------------------------------------------------------------------------------------------

  function show(id, ...children) {
    byId(id).hidden = false;
    byId(id).replaceChildren(...children.flat().filter(Boolean));
  }

  function drawHead() {
    const created = report.created && report.created.slice(0, 10);
    byId("platform").textContent = `Container image for ${report.platform}`;
    byId("name").textContent = report.name;
    byId("identity").append(...[
      element("span", { class: "mono", title: report.digest }, `${report.digest.slice(0, 19)}…`),
      created && created !== "1970-01-01" ? ` · created ${created}` : "", report.base ? ` · on ${report.base.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, "$1…")}` : "",
      report.location === report.name || report.location === `docker://${report.name}` ? "" : ` · from ${report.location}`,
    ].filter(Boolean));
    const figures = [["to download", bytes(report.size)]];
    if (report.unpacked !== null) figures.push(["on disk", bytes(report.unpacked)]);
    figures.push([report.layers.length === 1 ? "layer" : "layers", number(report.layers.length)]);
    if (report.packages && report.packages.length) figures.push(["packages", number(report.packages.length)]);
    if (report.files !== null) figures.push(["files", number(report.files)]);
    if (layersOf) figures.push([`to upgrade from ${report.comparison.before}`, bytes(layersOf.download)]);
    byId("figures").append(...figures.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))));
    byId("notes").append(...report.notes.map((note) => element("li", {}, note)));
  }

  function drawSections() {
    const titles = { map: "Map", compared: "Comparison", packages: "Packages", layers: "Layers", runtime: "Runtime", run: "Run it" };
    byId("sections").append(...Object.entries(titles).filter(([id]) => !byId(id).hidden)
      .map(([id, title]) => element("a", { href: `#${id}` }, title)));
  }

  drawHead();
  byId("measure").append(...chooseMeasure());
  byId("measure").hidden = report.unpacked === null;
  draw(false);
  drawLegend();
  drawCompared();
  drawPackages();
  drawLayers();
  drawRuntime();
  drawRun();
  drawSections();
  let width = byId("treemap").clientWidth;
  new ResizeObserver(() => {
    const map = byId("treemap");
    if (map.clientWidth === width || matchMedia("print").matches) return;
    width = map.clientWidth;
    draw(map.contains(document.activeElement));
  }).observe(byId("treemap"));
})();
