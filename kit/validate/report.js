"use strict";
// Draws tasks when they are opened or come into view; filters, orders and finds them. Everything
// from the run is set as text, never as markup.
(() => {
  // Source: colours of the testing interface of fchollet/ARC-AGI, apps/css/common.css.
  const COLOURS = ["#000000", "#0074d9", "#ff4136", "#2ecc40", "#ffdc00",
    "#aaaaaa", "#f012be", "#ff851b", "#7fdbff", "#870c25"];
  const DARK = new Set([0, 1, 6, 9]);
  const LEGS = { model: "model", search: "program search", written: "written program" };
  const WORK = { ttt: "training", search: "search", write: "writing" };
  const PLAN = {
    num_steps: "steps", num_train_views: "training views", num_test_views: "test views",
    samples_per_view: "samples a view", num_score_views: "scoring views",
    search_nodes: "nodes", search_s: "s at most",
  };
  const data = JSON.parse(document.getElementById("data").textContent);
  const list = document.getElementById("list");
  const items = [...list.children];
  const byId = new Map(items.map((item) => [data.tasks[item.dataset.i].id, item]));
  const control = (id) => document.getElementById(id);
  const digits = control("digits");

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  // ---- grids
  const gridOf = (place) => data.grids[place].split("|");
  const sizeOf = (rows) => `${rows.length}×${rows[0].length}`;

  function draw(canvas) {
    const { rows, truth, side } = canvas.arc;
    const height = rows.length, width = rows[0].length;
    const scale = window.devicePixelRatio || 1;
    const cell = Math.max(side < 100 ? 1 : 4, Math.min(26, Math.floor(side / Math.max(height, width))));
    const gap = cell >= 4 ? 1 : 0;
    const pixels = [width * cell + gap, height * cell + gap];
    [canvas.width, canvas.height] = pixels.map((n) => Math.round(n * scale));
    canvas.style.width = `${pixels[0]}px`;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.fillStyle = "#5a5a5a";
    pen.fillRect(0, 0, ...pixels);
    const compared = truth && truth.length === height && truth[0].length === width;
    rows.forEach((row, y) => [...row].forEach((digit, x) => {
      pen.fillStyle = COLOURS[digit];
      pen.fillRect(x * cell + gap, y * cell + gap, cell - gap, cell - gap);
      const ink = DARK.has(Number(digit)) ? "#ffffff" : "#000000";
      if (digits.checked && cell >= 9 && side >= 100) {
        pen.fillStyle = ink;
        pen.font = `${Math.min(14, cell - 2)}px sans-serif`;
        pen.textAlign = "center";
        pen.textBaseline = "middle";
        pen.fillText(digit, (x + 0.5) * cell + gap / 2, (y + 0.5) * cell + gap);
      }
      if (compared && truth[y][x] !== digit) cross(pen, x * cell + gap, y * cell + gap, cell - gap, ink);
    }));
  }

  function cross(pen, x, y, side, ink) {
    const edge = side * 0.22;
    pen.strokeStyle = ink;
    pen.lineWidth = Math.max(1, side / 9);
    pen.beginPath();
    pen.moveTo(x + edge, y + edge);
    pen.lineTo(x + side - edge, y + side - edge);
    pen.moveTo(x + side - edge, y + edge);
    pen.lineTo(x + edge, y + side - edge);
    pen.stroke();
  }

  function canvasOf(place, side, truth = null) {
    const canvas = element("canvas");
    canvas.arc = { rows: gridOf(place), truth: truth === null ? null : gridOf(truth), side };
    draw(canvas);
    return canvas;
  }

  function figure(name, place, side, truth = null, caption = `${name} `) {
    const canvas = canvasOf(place, side, truth);
    const rows = canvas.arc.rows;
    const text = rows.map((row) => [...row].join(" ")).join("; ");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${name}, ${rows.length} rows of ${rows[0].length}: ${text}`);
    return element("figure", {}, element("figcaption", {}, caption + sizeOf(rows)), canvas);
  }

  function missing(name) {
    return element("figure", {}, element("figcaption", {}, name), "not known");
  }

  // ---- one task
  const number = (value, places = 1) => typeof value === "number" ? value.toFixed(places) : value;
  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  function fill(item) {
    const task = data.tasks[item.dataset.i];
    const body = element("div", { class: "body" });
    for (const line of task.errors) {
      body.append(element("p", { class: "decision" }, element("span", { class: "error" }, "error"), ` ${line}`));
    }
    if (task.train) {
      const pairs = task.train.map(([input, output], i) => element("div",
        { class: "pair", role: "group", "aria-label": `demonstration ${i + 1}` },
        figure(`${i + 1}: input`, input, 170), element("i", { "aria-hidden": "true" }, "→"),
        figure("output", output, 170)));
      body.append(element("h3", {}, "Demonstrations"), element("div", { class: "grids" }, ...pairs));
    } else {
      body.append(element("p", { class: "empty" },
        "The demonstrations are not in the journal and the task set is not known: report --tasks says where they are."));
    }
    task.tests.forEach((test, index) => body.append(...testPart(task, test, index)));
    body.append(element("h3", {}, "What the scheduler decided"), stepsTable(task));
    item.firstElementChild.append(body);
  }

  function testPart(task, test, index) {
    const fate = test.right === null ? "" : test.right ? `: solved by attempt ${test.right}` : ": not solved";
    const grids = [];
    if (task.inputs) grids.push(figure("input", task.inputs[index], 230));
    grids.push(test.truth === null ? missing("solution") : figure("solution", test.truth, 230));
    const parts = [
      element("h3", {}, `Test ${index + 1}${fate}`),
      element("div", { class: "grids" }, ...grids),
    ];
    if (test.reason) {
      parts.push(element("p", { class: "decision" }, element("b", {}, "Chosen by "), test.reason,
        `; margin ${number(test.margin, 2)}`));
    }
    const cards = test.candidates.map((candidate) => candidateCard(candidate, test));
    if (cards.length) parts.push(element("ol", { class: "candidates", "aria-label": "Proposals, best first" }, ...cards));
    if (test.more) parts.push(element("p", { class: "note" }, `${plural(test.more, "more proposal")} not shown`));
    if (!cards.length) parts.push(element("p", { class: "empty" }, "Nothing was proposed."));
    return parts;
  }

  function candidateCard(candidate, test) {
    const tags = candidate.attempts.map((n) => element("h4", { class: "tag" }, `attempt ${n}`));
    if (!tags.length) tags.push(element("h4", { class: "tag" }, `place ${candidate.place}`));
    if (candidate.said) {
      const good = candidate.said === "right";
      tags.push(element("span", { class: `tag ${good ? "good" : "bad"}` }, `${good ? "✓" : "✗"} ${candidate.said}`));
    }
    for (const leg of candidate.legs) tags.push(element("span", { class: "tag" }, LEGS[leg]));
    if (!candidate.legs.length) tags.push(element("span", { class: "tag" }, "cheap guess"));
    const programs = (candidate.programs || []).map(programPart);
    const unseen = (candidate.num_programs || 0) - programs.length;
    const name = candidate.attempts.length ? `attempt ${candidate.attempts.join(" and ")}` : `place ${candidate.place}`;
    return element("li", { class: candidate.attempts.length ? "chosen" : "" },
      element("div", { class: "tags" }, ...tags),
      element("div", { class: "support" },
        figure(name, candidate.grid, 150, test.truth, ""),
        element("div", {}, supportList(candidate, test))),
      ...programs,
      unseen > 0 ? element("p", { class: "note" }, `${plural(unseen, "more program")} printed it`) : null);
  }

  function supportList(candidate, test) {
    const facts = element("dl", { class: "pairs" });
    const add = (name, ...value) => facts.append(element("dt", {}, name), element("dd", {}, ...value));
    if (candidate.votes) {
      const count = element("span", {}, `${candidate.votes} of ${test.votes}`);
      const line = element("div", { class: "votes" }, count, voteBar(candidate.votes / test.votes));
      add("votes", line);
      add("votes by symmetry", candidate.groups.map(([name, count]) => `${name} ${count}`).join(", "));
      if (candidate.num_views) add("views that voted for it", viewList(candidate));
      if (candidate.own.length) {
        const best = `${number(candidate.own[0], 2)} in ${plural(candidate.tokens, "token")}`;
        add("log-probability, own view", candidate.own.length > 1
          ? `best ${best}, worst ${number(candidate.own[candidate.own.length - 1], 2)}` : best);
      }
      if (candidate.rounds.some((round) => round)) add("rounds", candidate.rounds.map((r) => r + 1).join(", "));
    }
    for (const [round, nats] of candidate.scored || []) {
      const mean = nats.every((n) => typeof n === "number")
        ? (nats.reduce((a, b) => a + b, 0) / nats.length).toFixed(2) : "-inf";
      const where = round ? `, round ${round + 1}` : "";
      add(`log-probability, ${plural(nats.length, "scoring view")}${where}`,
        `mean ${mean} (${nats.map((n) => number(n)).join(", ")})`);
    }
    const best = (candidate.programs || [])[0];
    if (best) {
      add(plural(candidate.num_programs, "program"), `best covers ${best.pairs} of ${best.of} pairs`);
      add("its confidence", number(best.confidence, 2));
    }
    return facts;
  }

  function viewList(candidate) {
    const lines = candidate.views.map(([round, view, symmetry, colours, votes]) => {
      const changes = symmetry === "identity" ? [] : [symmetry];
      if (colours) changes.push(`colours ${colours}`);
      const when = round ? `round ${round + 1}, ` : "";
      const times = votes > 1 ? ` (${votes} votes)` : "";
      return element("li", {}, `${when}view ${view}: ${changes.join(", ") || "untouched"}${times}`);
    });
    const unseen = candidate.num_views - lines.length;
    if (unseen > 0) lines.push(element("li", {}, plural(unseen, "more view")));
    return element("ul", { class: "views" }, ...lines);
  }

  function voteBar(share) {
    const space = "http://www.w3.org/2000/svg";
    const bar = document.createElementNS(space, "svg");
    const set = (node, values) => Object.entries(values).forEach(([k, v]) => node.setAttribute(k, v));
    set(bar, { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const [name, width] of [["track", 100], ["part", 100 * share]]) {
      const part = document.createElementNS(space, "rect");
      set(part, { class: name, width, height: 8 });
      bar.append(part);
    }
    return bar;
  }

  function programPart(program, index) {
    const facts = [
      `covers ${program.pairs} of ${program.of} pairs`,
      `confidence ${number(program.confidence, 2)}`,
      `${number(program.bits)} bits`,
    ];
    if (program.left_out !== null) facts.push(`predicts ${Math.round(100 * program.left_out)}% of left-out pairs`);
    if (program.round) facts.push(`round ${program.round + 1}`);
    const cut = program.cut ? `\n… ${program.cut} more characters` : "";
    const text = element("pre", { tabindex: "0", "aria-label": "program" }, program.text + cut);
    const head = element("summary", {}, `${program.by === "written" ? "written program" : "program"}, family ${program.family}`);
    const made = element("details", { class: "program" }, head,
      element("div", { class: "facts" }, facts.join(", ")), text);
    made.open = index === 0;
    return made;
  }

  function stepsTable(task) {
    if (!task.steps.length) return element("p", { class: "empty" }, "No plan was made for it before the journal ends.");
    const names = ["plan", "what", "why", "before it", "took", "came of it", "answers after it"];
    const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
    const rows = task.steps.map((step, index) => element("tr", {},
      element("th", { scope: "row" }, `${index + 1}. ${WORK[step.leg] || step.leg}, round ${step.round + 1}`),
      element("td", {}, planText(step.plan)),
      element("td", { class: "why" }, step.why || "no reason in the journal"),
      element("td", {}, step.before === null ? "no answer" : `margin ${number(step.before, 2)}`),
      element("td", {}, tookText(step)),
      element("td", { class: "why" }, cameText(step)),
      element("td", { class: "why" }, step.after === null ? "–"
        : `margin ${number(step.after, 2)}: ${step.reasons.join(" / ")}`)));
    const table = element("table", { class: "steps" }, element("thead", {}, head), element("tbody", {}, ...rows));
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Plans" }, table);
  }

  function planText(plan) {
    const parts = Object.entries(PLAN).filter(([key]) => key in plan)
      .map(([key, word]) => `${Number(plan[key].toFixed(2))} ${word}`);
    if (plan.num_test_views && !plan.num_steps) parts.unshift("no training");
    return parts.join(", ") || "no limits";
  }

  function tookText(step) {
    if (!step.done) return "–";
    const parts = Object.entries(step.seconds).map(([stage, s]) => `${stage} ${number(s, s < 10 ? 2 : 0)} s`);
    if (step.at !== null) parts.push(`done at ${number(step.at, 0)} s`);
    return parts.join(", ") || "–";
  }

  function cameText(step) {
    if (!step.done) return "no result: still running, or lost";
    const counts = Object.entries(step.counts).map(([name, n]) => `${name} ${n}`);
    const parts = [plural(step.found, "candidate")];
    if (step.failure) parts.unshift(`error: ${step.failure}`);
    if (step.cut) parts.push("cut by a deadline");
    return parts.join("; ") + (counts.length ? ` (${counts.join(", ")})` : "");
  }

  // ---- the list
  function thumbnails(item) {
    const task = data.tasks[item.dataset.i];
    const place = item.querySelector(".thumbs");
    const test = task.tests[0];
    if (task.inputs && task.inputs.length) place.append(canvasOf(task.inputs[0], 46));
    const first = test && test.candidates.find((candidate) => candidate.attempts.includes(Math.max(1, test.right || 1)));
    if (first) place.append(element("i", {}, "→"), canvasOf(first.grid, 46));
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      thumbnails(entry.target);
    }
  }, { rootMargin: "300px" });
  items.forEach((item) => seen.observe(item));

  function chosen() {
    return {
      status: document.querySelector("input[name=status]:checked").value,
      leg: control("leg").value, size: control("size").value, order: control("order").value,
      find: control("search").value.trim(), errors: control("errors").checked ? "1" : "",
    };
  }

  function passes(item, want) {
    const facts = item.dataset;
    return (want.status === "all" || facts.status === want.status)
      && (!want.leg || facts.legs.split(" ").includes(want.leg))
      && (!want.size || facts.size === want.size)
      && (!want.errors || facts.errors === "1")
      && (!want.find || data.tasks[facts.i].id.toLowerCase().includes(want.find.toLowerCase()));
  }

  const ORDERS = {
    run: (a, b) => a.dataset.i - b.dataset.i,
    id: (a, b) => (data.tasks[a.dataset.i].id < data.tasks[b.dataset.i].id ? -1 : 1),
    cells: (a, b) => a.dataset.cells - b.dataset.cells,
    seconds: (a, b) => b.dataset.seconds - a.dataset.seconds,
    margin: (a, b) => a.dataset.margin - b.dataset.margin,
  };
  let order = "run";

  function update() {
    const want = chosen();
    let count = 0;
    for (const item of items) {
      const shows = passes(item, want);
      item.hidden = !shows;
      count += shows;
    }
    if (want.order !== order) {
      order = want.order;
      list.append(...[...items].sort(ORDERS[order]));
    }
    control("shown").textContent = `${count} of ${plural(items.length, "task")} shown`;
    control("clear").hidden = count === items.length;
    remember(want);
  }

  // ---- the address: filters and the open task, so that both can be sent to somebody
  let current = "";

  function remember(want = chosen()) {
    const parts = new URLSearchParams();
    for (const [key, value] of Object.entries({ ...want, task: current })) {
      if (value && value !== "all" && value !== "run") parts.set(key, value);
    }
    const text = parts.toString();
    try {
      history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
    } catch (error) {
      console.info("the address stays as it is", error);
    }
  }

  function recall() {
    const parts = new URLSearchParams(location.hash.slice(1));
    const radio = [...document.getElementsByName("status")].find((r) => r.value === (parts.get("status") || "all"));
    if (radio) radio.checked = true;
    for (const key of ["leg", "size", "order"]) {
      control(key).value = parts.get(key) || (key === "order" ? "run" : "");
      if (control(key).selectedIndex < 0) control(key).selectedIndex = 0;
    }
    control("search").value = parts.get("find") || "";
    control("errors").checked = parts.get("errors") === "1";
    const item = byId.get(parts.get("task"));
    if (item) {
      current = parts.get("task");
      item.firstElementChild.open = true;
    }
    update();
    if (item) item.scrollIntoView({ block: "start" });
  }

  list.addEventListener("toggle", (event) => {
    const details = event.target;
    if (!details.classList.contains("task")) return;
    const item = details.parentElement;
    const id = data.tasks[item.dataset.i].id;
    if (details.open && !details.querySelector(".body")) fill(item);
    if (details.open) current = id;
    else if (current === id) current = "";
    remember();
  }, true);

  document.querySelector(".filters").addEventListener("input", update);
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  digits.addEventListener("change", () => document.querySelectorAll("figure canvas").forEach(draw));
  control("clear").addEventListener("click", () => {
    const keep = control("order").value;
    document.querySelector(".filters").reset();
    control("order").value = keep;
    update();
    control("search").focus();
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      control("search").focus();
    }
  });
  window.addEventListener("hashchange", () => {
    if (location.hash.includes("=")) recall();
  });
  recall();
})();
