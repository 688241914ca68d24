"use strict";

const at = (id) => document.getElementById(id);
const size = (bytes) => {
  if (bytes === null || bytes === undefined) return "";
  for (const [unit, factor] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]])
    if (bytes >= factor) return `${(bytes / factor).toFixed(1)} ${unit}`;
  return `${bytes} B`;
};
// Everything that is shown goes in as text, never as markup.
const element = (tag, text, kind) => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const linked = (text, query) => {
  const link = element("a", text);
  link.href = `?${new URLSearchParams(query)}`;
  return link;
};
const fill = (body, rows) =>
  body.replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells.map(([text, kind, query]) => {
      if (!query) return element("td", text, kind);
      const cell = element("td", "", kind);
      cell.append(linked(text, query));
      return cell;
    }));
    return row;
  }));

let about = { host: location.host, base: "" };

async function ask(path) {
  const response = await fetch(path);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.errors[0].message);
  return answer;
}

function showPull(name, tag) {
  at("command").textContent = `docker pull ${about.host}/${name}:${tag}`;
  at("pull").hidden = false;
}

function showPlan(plan) {
  const pulled = plan.layers.filter((layer) => layer.known).reduce((sum, layer) => sum + layer.size, 0);
  const base = plan.base.reduce((sum, bytes) => sum + bytes, 0);
  const unknown = plan.layers.filter((layer) => !layer.known && layer.packages.length);
  const made = unknown.reduce((sum, layer) => sum + (layer.made_from ? layer.made_from.bytes : 0), 0);
  const rows = [
    ["Platform", plan.platform],
    ["Packages", String(plan.packages.length)],
    ["Base image", plan.base.length ? size(base) : "none"],
    ["Known layers", `${plan.layers.filter((layer) => layer.known).length} of ${plan.layers.length}, ${size(pulled) || "0 B"}`],
    ["To be made", unknown.length ? `${unknown.length} layers, from archives of ${size(made) || "0 B"}` : "nothing"],
  ];
  at("summary").replaceChildren(...rows.flatMap(([term, text]) => [element("dt", term), element("dd", text)]));
  at("failed").textContent = plan.failure ? `The last pull failed: ${plan.failure}.` : "";
  at("failed").hidden = !plan.failure;
  at("notes").replaceChildren(...plan.notes.map((note) => element("li", note)));
  fill(at("layers").tBodies[0], plan.layers.map((layer) => [
    [layer.packages.join(", ") || layer.kind],
    [size(layer.known ? layer.size : null), "number"],
    [layer.known ? "known" : layer.packages.length ? "made when pulled" : "made with each image"],
  ]));
  fill(at("contents").tBodies[0], plan.packages.map((each) => [
    [each.name], [each.version], [each.build, "build"], [each.channel], [each.license], [size(each.size), "number"],
  ]));
  at("plan").hidden = false;
}

async function show(query) {
  at("failure").hidden = at("plan").hidden = at("pull").hidden = true;
  at("status").textContent = "Solving…";
  try {
    const plan = await ask(`/v1/plan?${query}`);
    showPull(plan.name, plan.tag);
    showPlan(plan);
  } catch (error) {
    at("reason").textContent = error.message;
    at("failure").hidden = false;
  }
  at("status").textContent = "";
}

function submit(event) {
  if (event) event.preventDefault();
  const query = new URLSearchParams();
  for (const spec of at("packages").value.split(/[\s,]+/).filter(Boolean)) query.append("package", spec);
  if (at("platform").value) query.set("platform", at("platform").value);
  if (at("day").value) query.set("tag", at("day").value);
  const address = new URLSearchParams({ q: at("packages").value.trim() });
  history.replaceState(null, "", `?${address}`);
  show(query);
}

async function showAround() {
  about = await ask("/v1/about");
  at("platform").replaceChildren(...about.platforms.map((name) => element("option", name)));
  const rules = about.rules[0].toUpperCase() + about.rules.slice(1);
  at("about").textContent = `Base: ${about.base}. Channels: ${about.channels.join(", ")}. ${rules}.`;
  at("day").max = new Date(Date.now() - 86400000).toISOString().slice(0, 10); // a day must be over
  const environments = about.environments.map((name) => {
    const item = document.createElement("li");
    item.append(linked(name, { name: `env/${name}` }), about.failed.includes(name) ? " (the last pull failed)" : "");
    return item;
  });
  at("environments").querySelector("ul").replaceChildren(...environments);
  at("environments").hidden = !environments.length;
  const recent = await ask("/v1/images");
  fill(at("recent").querySelector("tbody"), recent.map((image) => [
    [image.name, "", { name: image.name, tag: image.tag }], [image.tag, "tag"], [String(image.packages), "number"], [size(image.size), "number"],
  ]));
  at("recent").hidden = !recent.length;
}

at("form").addEventListener("submit", submit);
at("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(at("command").textContent);
  at("copy").textContent = "Copied";
  setTimeout(() => { at("copy").textContent = "Copy"; }, 1500);
});
showAround().then(() => {
  const given = new URLSearchParams(location.search);
  if (given.has("name")) show(new URLSearchParams({ name: given.get("name"), tag: given.get("tag") || "latest" }));
  else if (given.get("q")) { at("packages").value = given.get("q"); submit(); }
}, (error) => { at("reason").textContent = error.message; at("failure").hidden = false; });
