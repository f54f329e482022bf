"use strict";
// Texts come from models and users: they are put on the page as text only, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const PAGE = 50;
const MOST_COMPARED = 4e6; // pairs of words; beyond it two answers are shown without marks
const KINDS = ["broken", "errored", "failed", "flaky", "differing", "fixed", "quarantined", "passed"];
const BADGES = ["quarantined", "broken", "errored", "failed", "fixed", "passed", "flaky", "differing"];
const two = data.sides.length === 2;
const state = { kind: "all", text: "", tag: "", sort: "telling", down: false, page: 0, open: new Set() };

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

// ---- above the cases

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

// ---- the cases

const known = (value) => value !== null && value !== undefined;
const change = (row) => (known(row.score) && known(row.before) ? row.score - row.before : null);
const rank = (row) => KINDS.indexOf(row.kinds[0]);
const SORTS = {
  telling: (row) => rank(row) * 10 + (change(row) ?? row.score ?? 0),
  case: (row) => row.id,
  before: (row) => row.before ?? -1,
  score: (row) => row.score ?? -1,
  change: (row) => change(row) ?? -9,
  latency: (row) => row.latency ?? -1,
};
const COLUMNS = [
  { name: "Case", sort: "case" },
  { name: "Is", sort: "telling" },
  ...(two ? [{ name: data.sides[0], sort: "before", number: true, less: true }] : []),
  { name: two ? data.sides[1] : "Score", sort: "score", number: true },
  ...(two ? [{ name: "Change", sort: "change", number: true, less: true }] : []),
  { name: "Latency", sort: "latency", number: true, less: true },
  { name: "Tags", less: true },
];

function haystack(row) {
  if (row.hay === undefined) {
    const answers = [...(row.answers ?? []), ...(row.answersBefore ?? [])];
    const said = answers.flatMap((one) => [one.output, one.error, ...(one.grades ?? []).flatMap((g) => [g.name, g.reason])]);
    const parts = [row.id, row.description, row.expected, row.quarantined, ...(row.vars ?? []).flat(), ...said];
    row.hay = parts.filter(Boolean).join("\n").toLowerCase();
  }
  return row.hay;
}

function wanted() {
  const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = data.rows.filter(
    (row) =>
      (state.kind === "all" || row.kinds.includes(state.kind)) &&
      (!state.tag || (row.tags ?? []).includes(state.tag)) &&
      words.every((word) => haystack(row).includes(word)),
  );
  const key = SORTS[state.sort];
  const sign = state.down ? -1 : 1;
  return found.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    return (x < y ? -sign : x > y ? sign : 0) || a.at - b.at;
  });
}

function badges(row) {
  const hidden = new Set();
  if (row.kinds.includes("broken")) hidden.add("failed");
  if (row.kinds.includes("fixed")) hidden.add("passed");
  const shown = BADGES.filter((kind) => row.kinds.includes(kind) && !hidden.has(kind));
  return shown.map((kind) => make("span", { class: `badge ${kind}`, text: kind }));
}

function lineOf(row, name) {
  const opened = state.open.has(row.at);
  const toggle = make("button", {
    type: "button", class: "open", text: row.id, "aria-expanded": String(opened), "aria-controls": opened ? name : null,
    on: ["click", () => {
      if (!state.open.delete(row.at)) state.open.add(row.at);
      showCases();
      document.querySelector(`tr[data-at="${row.at}"] button.open`).focus();
    }],
  });
  const moved = change(row);
  const tone = moved > 5e-4 ? "up" : moved < -5e-4 ? "down" : "";
  return make(
    "tr", { class: "row", "data-at": row.at },
    make("th", { scope: "row" }, toggle),
    make("td", {}, ...badges(row)),
    two ? make("td", { class: "number less", text: score(row.before) }) : null,
    make("td", { class: "number", text: score(row.score) }),
    two ? make("td", { class: `number less ${tone}`, text: moved === null ? "-" : points(moved) }) : null,
    make("td", { class: "number less", text: milliseconds(row.latency) }),
    make("td", { class: "less" }, ...(row.tags ?? []).map((text) => make("span", { class: "tag", text }))),
  );
}

// Words of two texts that are not in the other, by their longest common subsequence.
function compareWords(before, after) {
  const split = (text) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  const [a, b] = [split(before), split(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [n, m] = [a.length - start - end, b.length - start - end];
  if (n * m > MOST_COMPARED) return null;
  const longest = new Uint16Array((n + 1) * (m + 1));
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let j = m - 1; j >= 0; j -= 1) {
      const here = i * (m + 1) + j;
      longest[here] = a[start + i] === b[start + j]
        ? longest[here + m + 2] + 1
        : Math.max(longest[here + m + 1], longest[here + 1]);
    }
  }
  const kept = [new Uint8Array(a.length), new Uint8Array(b.length)];
  kept[0].fill(1, 0, start).fill(1, a.length - end);
  kept[1].fill(1, 0, start).fill(1, b.length - end);
  for (let i = 0, j = 0; i < n && j < m; ) {
    const here = i * (m + 1) + j;
    if (a[start + i] === b[start + j]) {
      kept[0][start + i] = kept[1][start + j] = 1;
      i += 1;
      j += 1;
    } else if (longest[here + m + 1] >= longest[here + 1]) i += 1;
    else j += 1;
  }
  return [runs(a, kept[0]), runs(b, kept[1])];
}

function runs(words, kept) {
  const found = [];
  for (let at = 0; at < words.length; at += 1) {
    // A blank between two changed words belongs to the change.
    const blank = kept[at] && /^\s+$/.test(words[at]) && at > 0 && !kept[at - 1] && at + 1 < words.length && !kept[at + 1];
    const same = Boolean(kept[at]) && !blank;
    if (found.length && found[found.length - 1].same === same) found[found.length - 1].text += words[at];
    else found.push({ same, text: words[at] });
  }
  return found;
}

function outputOf(answer, parts, tag) {
  if (!answer || answer.output === undefined) return make("p", { class: "quiet", text: "No answer." });
  const shown = make("pre", { class: "output", tabindex: "0" });
  if (!parts) shown.textContent = answer.output;
  else shown.append(...parts.map(({ same, text }) => (same ? text : make(tag, { text }))));
  return shown;
}

function gradesOf(answer) {
  if (!answer?.grades) return null;
  const rows = answer.grades.map((grade) => {
    const went = grade.error ? "error" : grade.passed ? "pass" : "fail";
    const name = [grade.name, grade.metric ? `(${grade.metric})` : "", grade.weight === 0 ? "· metric only" : ""];
    const said = [grade.error ?? grade.reason ?? "", grade.measure ? `[${grade.measure}]` : ""].filter(Boolean).join(" ");
    return make(
      "tr", {},
      make("td", { class: `outcome ${went}`, text: { error: "! error", pass: "✓ pass", fail: "✗ fail" }[went] }),
      make("td", { class: "outcome", text: score(grade.score) }),
      make("td", {}, name.filter(Boolean).join(" "), said ? make("div", { class: "quiet", text: said }) : null),
    );
  });
  const head = ["outcome", "score", "assertion"].map((text) => make("th", { scope: "col", text }));
  return make("table", { class: "grades" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

function sideOf(name, answer, parts, tag) {
  const told = [];
  if (answer) {
    told.push(!known(answer.score) ? "errored" : answer.passed ? "passed" : "failed", `score ${score(answer.score)}`);
    if (known(answer.latency)) told.push(milliseconds(answer.latency));
    if (known(answer.tokens?.[0]) && known(answer.tokens?.[1])) told.push(`${answer.tokens[0]} + ${answer.tokens[1]} tokens`);
    told.push(known(answer.cost) ? `$${answer.cost.toFixed(4)}` : "cost unknown");
  }
  return make(
    "div", { class: "side" },
    make("h3", { text: name }),
    make("p", { class: "quiet", text: told.join(" · ") }),
    answer?.error ? make("p", { class: "error", text: answer.error }) : null,
    outputOf(answer, parts, tag),
    gradesOf(answer),
  );
}

function detailOf(row, name) {
  const asked = make("dl", { class: "asked" });
  const tell = (key, value) => {
    if (known(value)) asked.append(make("dt", { text: key }), make("dd", { text: value }));
  };
  tell("About", row.description);
  for (const [key, value] of row.vars ?? []) tell(key, value);
  tell("Expected", row.expected);
  tell("In quarantine", row.quarantined);
  tell("Cluster", row.cluster);
  if (row.toolarge) tell("Too large", "This case does not fit into the page; see another format.");
  const sides = make("div", { class: "sides" });
  const numbers = [...new Set([...(row.answersBefore ?? []), ...(row.answers ?? [])].map((one) => one.repeat))];
  const choose = make("select", {}, ...numbers.map((n) => make("option", { value: n, text: `${n + 1} of ${row.repeats}` })));
  const mark = make("input", { type: "checkbox", checked: true });
  const draw = () => {
    const of = (answers) => answers?.find((one) => one.repeat === Number(choose.value));
    const [before, after] = [of(row.answersBefore), of(row.answers)];
    const both = mark.checked && before?.output !== undefined && after?.output !== undefined;
    const words = both ? compareWords(before.output, after.output) : null;
    const parts = two ? [sideOf(data.sides[0], before, words?.[0], "del")] : [];
    sides.replaceChildren(...parts, sideOf(data.sides.at(-1), after, words?.[1], "ins"));
  };
  choose.addEventListener("change", draw);
  mark.addEventListener("change", draw);
  if (!row.toolarge) draw();
  const tools = make(
    "div", { class: "bar-of-tools" },
    numbers.length > 1 ? make("label", {}, "Repeat ", choose) : null,
    two ? make("label", {}, mark, " Mark different words") : null,
  );
  const inside = make("div", { id: name, role: "region", "aria-label": `Case ${row.id}` }, asked, tools, sides);
  return make("tr", { class: "detail" }, make("td", { colspan: COLUMNS.length }, inside));
}

function showCases() {
  const rows = wanted();
  const pages = Math.max(1, Math.ceil(rows.length / PAGE));
  state.page = Math.min(state.page, pages - 1);
  const first = state.page * PAGE;
  const lines = rows.slice(first, first + PAGE).flatMap((row) => {
    const name = `case-${row.at}`;
    return state.open.has(row.at) ? [lineOf(row, name), detailOf(row, name)] : [lineOf(row, name)];
  });
  if (!lines.length) lines.push(make("tr", {}, make("td", { colspan: COLUMNS.length, text: "No case is like that." })));
  at("table").tBodies[0].replaceChildren(...lines);
  const cells = COLUMNS.map(({ name, sort, number, less }) => {
    const order = state.sort !== sort ? "none" : state.down ? "descending" : "ascending";
    const classes = [number ? "number" : "", less ? "less" : ""].filter(Boolean).join(" ");
    const options = { scope: "col", class: classes || null };
    if (!sort) return make("th", { ...options, text: name });
    const act = () => {
      state.down = state.sort === sort && !state.down;
      state.sort = sort;
      state.page = 0;
      showCases();
      [...at("table").tHead.querySelectorAll("button")].find((one) => one.textContent === name)?.focus();
    };
    return make("th", { ...options, "aria-sort": order }, make("button", { type: "button", text: name, on: ["click", act] }));
  });
  at("table").tHead.replaceChildren(make("tr", {}, ...cells));
  const last = Math.min(first + PAGE, rows.length);
  const shown = rows.length ? `${first + 1} to ${last} of ${rows.length.toLocaleString("en")}` : "0";
  at("where").textContent = `Cases ${shown}`;
  at("previous").disabled = state.page === 0;
  at("next").disabled = state.page >= pages - 1;
}

function showFilters() {
  const counts = (kind) => data.rows.filter((row) => kind === "all" || row.kinds.includes(kind)).length;
  const buttons = ["all", ...KINDS].filter((kind) => kind === "all" || counts(kind)).map((kind) => {
    const button = make("button", {
      type: "button", "aria-pressed": String(kind === state.kind), "data-kind": kind,
      on: ["click", () => {
        state.kind = kind;
        state.page = 0;
        for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
        showCases();
      }],
    }, kind, make("span", { text: counts(kind).toLocaleString("en") }));
    return button;
  });
  at("kinds").append(...buttons);
  const tags = [...new Set(data.rows.flatMap((row) => row.tags ?? []))].sort();
  at("tag-field").hidden = !tags.length;
  at("tag").append(make("option", { value: "", text: "any" }), ...tags.map((tag) => make("option", { value: tag, text: tag })));
  at("tag").addEventListener("change", () => { state.tag = at("tag").value; state.page = 0; showCases(); });
  at("search").addEventListener("input", () => { state.text = at("search").value; state.page = 0; showCases(); });
  const turn = (by) => { state.page += by; showCases(); at("table").scrollIntoView({ block: "nearest" }); };
  at("previous").addEventListener("click", () => turn(-1));
  at("next").addEventListener("click", () => turn(1));
  if (data.shown === data.cases) return;
  const left = KINDS.map((kind) => [kind, (data.kinds[kind] ?? 0) - counts(kind)]).filter(([, n]) => n > 0);
  const told = left.map(([kind, n]) => `${n.toLocaleString("en")} ${kind}`).join(", ");
  at("left-out").hidden = false;
  at("left-out").textContent =
    `The ${data.shown.toLocaleString("en")} most telling of ${data.cases.toLocaleString("en")} cases are in this page; ` +
    `the others are only counted above (${told}).`;
}

showVerdict();
showNumbers();
showDistribution();
showMetrics();
showJudges();
showFilters();
showCases();
