"use strict";
// Texts come from models and users: they are put on the page as text only, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const two = data.sides.length === 2;

const at = (id) => document.getElementById(id);

function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") element.textContent = value;
    else if (key === "on") element.addEventListener(value[0], value[1]);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const score = (value) => (value === null || value === undefined ? "-" : value.toFixed(3));
const points = (value) => (Math.abs(value) < 5e-4 ? "0.0" : (value > 0 ? "+" : "") + (value * 100).toFixed(1));
const milliseconds = (value) => (value === undefined ? "-" : `${Math.round(value).toLocaleString("en")} ms`);

function table(target, head, rows, { main = -1, label = null } = {}) {
  if (label) target.append(make("caption", { text: label }));
  if (head) {
    const cells = head.map((text, n) => make("th", { scope: "col", class: n ? "number" : null, text }));
    target.append(make("thead", {}, make("tr", {}, ...cells)));
  }
  const lines = rows.map(([name, ...cells]) => {
    const values = cells.map((cell, n) => {
      const shown = make("td", { class: n === main ? "number main" : "number" });
      shown.append(cell);
      return shown;
    });
    return make("tr", {}, make("th", { scope: "row", text: name }), ...values);
  });
  target.append(make("tbody", {}, ...lines));
}

// `low`, `high` and `mark` on a line with zero; `margin` is what is allowed below it. All in the same unit.
function plot({ low, high, mark, margin = null, tone = "", ticks = false, label }) {
  const widest = Math.max(...[low, high, mark, margin].filter((value) => value !== null).map(Math.abs), 0.01) * 1.15;
  const place = (value) => `${50 + (Math.max(-widest, Math.min(widest, value)) / widest) * 50}%`;
  const put = (name, value) => {
    const part = make("div", { class: name });
    part.style.left = place(value);
    return part;
  };
  const bar = put(`bar ${tone}`, low);
  bar.style.right = `calc(100% - ${place(high)})`;
  const axis = make("div", { class: "axis", role: "img", "aria-label": label }, put("zero", 0), bar);
  if (margin !== null) axis.append(put("margin", -margin));
  axis.append(put("mark", mark));
  if (!ticks) return make("div", { class: "guard-plot" }, axis);
  const below = make("div", { class: "ticks", "aria-hidden": "true" });
  const ends = [[-widest, "first"], [0, ""], [widest, "last"]];
  for (const [value, name] of ends) {
    const tick = make("span", { class: name, text: `${points(value)}${value ? "" : " points"}` });
    tick.style.left = place(value);
    below.append(tick);
  }
  return make("div", {}, axis, below);
}

function showVerdict() {
  const verdict = data.verdict;
  document.title = `${verdict.title}: ${data.name}`;
  at("verdict").classList.add(verdict.name);
  at("name").textContent = data.name;
  at("versions").textContent = two ? `${data.sides[1]} against ${data.sides[0]}` : data.sides[0];
  at("title").textContent = verdict.title;
  at("told").textContent = verdict.told;
  at("advice").textContent = verdict.advice ? `Recommendation: ${verdict.advice}.` : "";
  const found = data.difference;
  if (!found) return;
  const told = `Difference ${points(found.at)} points, ${found.level} interval ${points(found.low)} to ${points(found.high)}`;
  at("difference").hidden = false;
  at("difference").append(plot({ low: found.low, high: found.high, mark: found.at, ticks: true, label: told }));
}

function showNumbers() {
  const models = new Set(data.models).size > 1 ? data.models : [data.models[0]];
  const head = two ? ["", ...data.sides] : null;
  table(at("numbers"), head, data.numbers, { main: two ? 1 : 0 });
  const notes = [`Model: ${models.join(" and ")}.`, ...data.notes];
  at("notes").append(...notes.map((text) => make("li", { text })));
}

function showDistribution() {
  const names = two ? ["before", "after"] : ["after"];
  const most = Math.max(1, ...data.distribution.flat());
  const legend = names.map((name, n) => {
    const missing = data.unscored[n] ? `, ${data.unscored[n]} without a score` : "";
    return make("span", {}, make("i", { class: name }), `${data.sides[n]}${missing}`);
  });
  const bins = data.distribution[0].map((_, bin) => {
    const bars = names.map((name, n) => {
      const bar = make("i", { class: name });
      const count = data.distribution[n][bin];
      bar.style.height = count ? `${Math.max(1.5, (count / most) * 100)}%` : "0";
      return bar;
    });
    return make("div", {}, ...bars);
  });
  const steps = data.distribution[0].length;
  const range = (bin) => `${(bin / steps).toFixed(2)} to ${((bin + 1) / steps).toFixed(2)}`;
  const ticks = make("div", { class: "ticks", "aria-hidden": "true" });
  for (const [value, name] of [["0", "first"], ["0.5", ""], ["1", "last"]]) {
    const tick = make("span", { class: name, text: value });
    tick.style.left = `${value * 100}%`;
    ticks.append(tick);
  }
  const rows = data.distribution[0]
    .map((_, bin) => [range(bin), ...data.distribution.map((side) => side[bin].toLocaleString("en"))])
    .filter((row) => row.slice(1).some((count) => count !== "0"));
  const inside = make("table");
  table(inside, ["score", ...data.sides], rows);
  at("distribution").append(
    make("div", { class: "legend" }, ...legend),
    make("div", { class: "bins", "aria-hidden": "true" }, ...bins),
    ticks,
    make("details", {}, make("summary", { text: "Counts as a table" }), inside),
  );
}

function showMetrics() {
  if (!data.metrics.length) return;
  at("metrics-card").hidden = false;
  const guarded = data.metrics.some((metric) => metric.guard);
  const rows = data.metrics.map(({ name, means, guard }) => {
    if (!guarded) return [name, ...means];
    if (!guard) return [name, ...means, "-", ""];
    const told = make("span", { class: guard.holds ? "pass" : "fail", text: guard.told });
    const drawn = guard.at === null || guard.low === null ? "" : plot({
      low: guard.low, high: Math.max(guard.at, guard.low), mark: guard.at, margin: guard.margin,
      tone: guard.holds ? "holds" : "fails", label: guard.told,
    });
    return [name, ...means, told, drawn];
  });
  const head = ["metric", ...data.sides, ...(guarded ? ["guard", "lower bound to difference"] : [])];
  table(at("metrics"), head, rows, { main: two ? 1 : 0 });
}

function showJudges() {
  if (data.qualities.length) {
    at("qualities-card").hidden = false;
    table(at("qualities"), ["quality", "score", "measured by", "answers"], data.qualities, { main: 0 });
  }
  if (!data.judging.length && !data.calibrations.length) return;
  at("judge-card").hidden = false;
  if (data.judging.length) {
    const spent = make("table");
    table(spent, null, data.judging, { label: "Spent on grading, apart from the answers" });
    at("judge").append(spent);
  }
  for (const one of data.calibrations) {
    const rows = [
      ["Agreement", one.agreement],
      ["95 % interval", one.interval],
      ["Cohen's kappa", one.kappa],
      ["Matthews correlation", one.mcc],
    ];
    const numbers = make("table");
    table(numbers, null, rows, { label: `${one.judge} against people on ${one.metric}, ${one.n} answers` });
    const [tp, fp, fn, tn] = one.confusion.map((count) => count.toLocaleString("en"));
    const counts = make("table");
    const said = [["people: yes", tp, fn], ["people: no", fp, tn]];
    table(counts, ["", "judge: yes", "judge: no"], said, { label: "How often they said what" });
    at("judge").append(numbers, counts);
  }
}

showVerdict();
showNumbers();
showDistribution();
showMetrics();
showJudges();
