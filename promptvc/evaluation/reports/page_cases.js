const PAGE = 50;
const KINDS = ["broken", "errored", "failed", "flaky", "differing", "fixed", "quarantined", "passed"];
const BADGES = ["quarantined", "broken", "errored", "failed", "fixed", "passed", "flaky", "differing"];
const state = { kind: "all", text: "", tag: "", sort: "telling", down: false, page: 0, open: new Set() };

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

showFilters();
showCases();
