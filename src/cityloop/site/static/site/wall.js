// The wall: draws the picture it was given, follows the live feed, and obeys the officer's keys.
import { lineChart, written } from "./chart.js";
import { CORE, OUTSIDE_CORE, districtMap } from "./map.js";
import { Sound } from "./wall-sound.js";
import { act, fillDialog } from "./wall-actions.js";

const words = JSON.parse(document.getElementById("wall-words").textContent);
let wall = JSON.parse(document.getElementById("wall-data").textContent);
const at = (id) => document.getElementById(id);
const SHAPES = { 1: "M7 2h10l5 5v10l-5 5H7l-5-5V7z", 2: "M12 1l11 11-11 11L1 12z", 3: "M12 2l11 20H1z", 4: "M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20z", fine: "M4 4h16v16H4z" };
const ALARMS_MAX = 30;
const LINES_WIDE_MAX = 4; // of more lines each tile stands beside its curve, not over it
const OLD_AFTER_MS = 5000;
const REFRESH_EVERY_MS = 30000;
let chosen = null;
let lastHeard = 0;
let refreshing = null;
const sound = new Sound(at("sound"), words);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function shape(level, className = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  if (className) svg.setAttribute("class", className);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[level]);
  svg.append(path);
  return svg;
}

function levelBadge(level) {
  if (!level) return make("span", { class: "level level-none" }, words.none);
  return make("span", { class: `level level-${level}` }, shape(level), words.levels[level]);
}

function age(instant) {
  const seconds = Math.max(0, Math.round((Date.now() + clockOffset - Date.parse(instant)) / 1000));
  if (seconds < 60) return words.seconds.replace("{n}", seconds);
  if (seconds < 3600) return words.minutes.replace("{n}", Math.floor(seconds / 60));
  if (seconds < 86400) return words.hours.replace("{n}", Math.floor(seconds / 3600)).replace("{m}", Math.floor((seconds % 3600) / 60));
  return words.days.replace("{n}", Math.floor(seconds / 86400)).replace("{m}", Math.floor((seconds % 86400) / 3600));
}

let clockOffset = Date.parse(wall.at) - Date.now();

// Of one level, what still stands comes before what is over.
const STANDING = { raised: 0, acknowledged: 1, cleared: 2, shelved: 3 };
const inOrder = (alarms) => alarms.sort((one, other) => one.level - other.level || STANDING[one.state] - STANDING[other.state] || Date.parse(other.first_at) - Date.parse(one.first_at));

// "Haidian · Haidian network pressure point" says the district twice.
const whereOf = (alarm) => (alarm.thing.startsWith(alarm.place) ? alarm.thing : [alarm.place, alarm.thing].filter(Boolean).join(" · "));

const figures = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 6 });

function alarmRow(alarm) {
  const title = make("a", { class: "alarm-title", href: alarm.trace, title: alarm.title }, alarm.title);
  const value = alarm.value === null ? "" : `${figures(alarm.value)} ${alarm.unit}`;
  return make(
    "li",
    { class: "alarm", "data-id": alarm.alarm_id, "data-level": alarm.level, "data-state": alarm.state },
    make("div", { class: "alarm-top" }, levelBadge(alarm.level), make("span", { class: "alarm-value" }, value),
      make("span", { class: `alarm-state alarm-state-${alarm.state}` }, words.states[alarm.state] || alarm.state)),
    make("div", { class: "alarm-name" }, title, alarm.origin_words ? make("span", { class: "origin" }, alarm.origin_words) : null),
    make("div", { class: "alarm-under" }, make("span", {}, whereOf(alarm)),
      alarm.case ? make("a", { href: alarm.case.url }, alarm.case.number) : make("time", { datetime: alarm.first_at, "data-age": alarm.first_at }, age(alarm.first_at))),
  );
}

function drawAlarms(fresh = []) {
  const list = at("alarms");
  const shown = wall.alarms.slice(0, ALARMS_MAX);
  const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
  shown.forEach((alarm, index) => {
    const signature = JSON.stringify([alarm, document.documentElement.lang]);
    let row = rows.get(String(alarm.alarm_id));
    rows.delete(String(alarm.alarm_id));
    if (!row || row.signature !== signature) {
      const next = alarmRow(alarm);
      next.signature = signature;
      if (fresh.includes(alarm.alarm_id)) next.classList.add("alarm-new");
      if (row) row.replaceWith(next);
      row = next;
    }
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] || null);
  });
  rows.forEach((row) => row.remove());
  at("alarms-none").hidden = shown.length > 0;
  const more = wall.alarms_open - shown.length;
  at("alarms-more").hidden = more <= 0;
  at("alarms-more").textContent = words.more.replace("{n}", more);
  at("alarms-count").textContent = wall.alarms_open;
  at("alarms-count").setAttribute("aria-label", `${words.alarms_open}: ${wall.alarms_open}`);
  choose(wall.alarms.some((alarm) => alarm.alarm_id === chosen) ? chosen : null);
  at("highest").replaceChildren(levelBadge(wall.highest));
}

function choose(id) {
  chosen = id;
  for (const row of at("alarms").children) {
    const is = Number(row.dataset.id) === id;
    row.classList.toggle("alarm-chosen", is);
    if (is) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    if (is) row.scrollIntoView({ block: "nearest" });
  }
  const alarm = wall.alarms.find((item) => item.alarm_id === id);
  for (const button of document.querySelectorAll("[data-do]")) button.disabled = !alarm || (button.dataset.do === "case" && !alarm.case);
}

function step(by) {
  const ids = wall.alarms.slice(0, ALARMS_MAX).map((alarm) => alarm.alarm_id);
  if (ids.length === 0) return;
  const now = ids.indexOf(chosen);
  choose(ids[now < 0 ? (by > 0 ? 0 : ids.length - 1) : Math.min(ids.length - 1, Math.max(0, now + by))]);
  at("alarms").querySelector(".alarm-chosen a")?.focus({ preventScroll: true });
}

function drawDistricts() {
  at("districts").replaceChildren(...wall.districts.map((district) => make(
    "tr", {},
    make("th", { scope: "row" }, district.name),
    make("td", {}, levelBadge(district.level)),
    make("td", {}, make("a", { href: district.trace }, String(district.alarms))),
    make("td", {}, make("a", { href: district.cases_trace }, String(district.cases))),
  )));
  at("legend").replaceChildren(...[1, 2, 3, 4].map((level) => make("li", {}, make("i", { class: `fill-${level}` }), shape(level, `ink-${level}`), words.levels[level])),
    make("li", {}, make("i", { class: "fill-none" }), words.none_open));
}

let maps = [];
async function drawMap() {
  const districts = Object.fromEntries(wall.districts.map((district) => [district.code, { ...district, name: district.short, count: district.alarms || "" }]));
  const points = wall.alarms.filter((alarm) => alarm.longitude !== null && alarm.state !== "cleared").map((alarm) => ({ longitude: alarm.longitude, latitude: alarm.latitude, level: alarm.level })).sort((one, other) => other.level - one.level);
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize) * 1.2;
  const open = (code) => { location.href = wall.districts.find((district) => district.code === code)?.trace ?? location.href; };
  if (wall.base_map) {
    const { baseMap } = await import("./base-map.js");
    if (await baseMap(at("map"), wall, points).catch(() => false)) {
      document.querySelector(".map-inset").hidden = true;
      return;
    }
  }
  at("map-note").textContent = wall.base_map ? words.no_webgl : words.no_base_map;
  maps = [
    await districtMap(at("map"), { districts, points }, { theme: "dark", size, open, ...OUTSIDE_CORE, place: { right: "14%", left: "2%" } }),
    await districtMap(at("map-inset"), { districts, points }, { theme: "dark", size: size * (words.text === "en" ? 0.78 : 0.95), open, ...CORE }),
  ];
}

// How a line stands by its project's reckoning: state by word and shape, the whole day, the same day last year.
function standingOf(line) {
  const standing = line.standing;
  if (!standing) return null;
  return make("p", { class: "line-standing" },
    make("a", { class: `standing standing-${standing.level ?? "fine"}`, href: standing.link }, shape(standing.level ?? "fine"), ` ${standing.state}`),
    make("a", { class: "line-day", href: standing.trace, "aria-label": `${line.title}: ${words.whole_day} ${written(standing.estimate, standing.decimals)} ${standing.unit}` },
      `${words.whole_day} `, make("b", {}, written(standing.estimate, standing.decimals)), ` ${standing.unit}`),
    standing.change ? make("span", { class: "line-against", title: standing.against }, `${standing.against} `, make("b", {}, standing.change)) : null);
}

function lineTile(line) {
  const chart = make("div", { class: "line-chart", role: "img", "aria-label": `${line.title}: ${words.curve}` });
  const low = line.arrived_percent !== null && line.arrived_percent < 90;
  const tile = make(
    "article", { class: "line" },
    make("div", { class: "line-top" }, make("span", { class: "line-title" }, line.title), make("span", { class: "line-unit" }, line.unit),
      line.origin_words ? make("span", { class: "origin" }, line.origin_words) : null,
      make("a", { class: "line-now", href: line.trace, "aria-label": `${line.title}: ${written(line.value, line.decimals)} ${line.unit}` }, written(line.value, line.decimals))),
    make("div", { class: "line-under" },
      make("ul", {}, ...(line.compare.length ? line.compare.map((item) => make("li", {}, `${item.words} `, make("b", {}, item.change))) : [make("li", {}, words.no_history)])),
      make("span", { class: low ? "line-low" : "" }, `${words.arrived} `, make("b", {}, line.arrived_percent === null ? "–" : `${line.arrived_percent.toFixed(0)}%`), line.at ? make("span", { class: "line-hour" }, ` · ${words.hour_from.replace("{at}", line.at)}`) : "")),
    standingOf(line), chart,
  );
  return { tile, draw: () => lineChart(chart, { ...line.chart, decimals: line.decimals, unit: line.unit }, { theme: "dark", size: parseFloat(getComputedStyle(document.documentElement).fontSize), bare: true }) };
}

let lineCharts = [];
function drawLines() {
  lineCharts.forEach((chart) => chart.dispose());
  const tiles = wall.lines.map(lineTile);
  at("lines").classList.toggle("lines-many", tiles.length > LINES_WIDE_MAX);
  at("lines").replaceChildren(...tiles.map(({ tile }) => tile));
  lineCharts = tiles.map(({ draw }) => draw());
  at("lines-none").hidden = wall.lines.length > 0;
  at("lines-table").replaceChildren(...wall.lines.map((line) => make("tr", {}, make("th", { scope: "row" }, line.standing ? make("a", { href: line.standing.link }, `${line.title} (${line.standing.state})`) : line.title),
    make("td", {}, make("a", { href: line.trace }, `${written(line.value, line.decimals)} ${line.unit}`)),
    make("td", {}, line.compare.map((item) => `${item.words} ${item.change} (${written(item.value, line.decimals)})`).join("; ") || words.no_history),
    make("td", {}, line.arrived_percent === null ? "–" : `${line.arrived_percent.toFixed(1)}%`), make("td", {}, line.origin_words || words.live_data))));
}

function drawStages(stages) {
  const list = at("stages");
  if (list.children.length !== stages.length) {
    list.replaceChildren(...stages.map((stage) => make("li", { class: "stage", "data-code": stage.code }, make("span", { class: "stage-name" }, stage.title),
      make("div", {}, make("a", { class: "stage-number" }), make("span", { class: "stage-words" }, make("span", { class: "stage-what" }), make("span", { class: "stage-dot" }, " · "), make("a", { class: "stage-second" }))))));
  }
  stages.forEach((stage, index) => {
    const item = list.children[index];
    const number = item.querySelector(".stage-number");
    number.textContent = stage.written;
    number.href = stage.trace;
    number.setAttribute("aria-label", `${stage.words}: ${stage.written}`);
    item.querySelector(".stage-what").textContent = stage.words;
    const second = item.querySelector(".stage-second");
    second.textContent = stage.second;
    item.querySelector(".stage-dot").hidden = !stage.second;
    if (stage.second_trace) second.href = stage.second_trace;
    else second.removeAttribute("href");
  });
}

function drawLatest() {
  at("latest").replaceChildren(...wall.latest.map((item) => make("li", {}, make("time", {}, item.at), make("a", { href: item.trace }, item.title), make("span", { title: item.what }, item.what))));
}

function drawProjects() {
  at("projects").replaceChildren(...wall.projects.map((project) => make("li", { class: "project" }, make("span", { class: `light light-${project.light}`, "aria-hidden": "true" }),
    make("a", { href: project.url }, project.title), make("span", { class: "quiet" }, project.words))),
  ...(wall.projects_open > 0 ? [make("li", { class: "project project-open" }, words.projects_open.replace("{n}", wall.projects_open))] : []));
}

function draw() {
  inOrder(wall.alarms);
  drawAlarms();
  drawDistricts();
  drawLines();
  drawStages(wall.stages);
  drawProjects();
  drawLatest();
  return drawMap();
}

async function refresh() {
  const answer = await fetch("/wall/data/", { headers: { Accept: "application/json" } });
  if (answer.redirected || !answer.ok) return;
  const before = new Set(wall.alarms.map((alarm) => alarm.alarm_id));
  const lines = JSON.stringify(wall.lines);
  const fresh = await answer.json();
  wall = { ...wall, ...fresh };
  inOrder(wall.alarms);
  clockOffset = Date.parse(wall.at) - Date.now();
  drawAlarms(wall.alarms.map((alarm) => alarm.alarm_id).filter((id) => !before.has(id)));
  drawDistricts();
  drawStages(wall.stages);
  drawProjects();
  drawLatest();
  if (JSON.stringify(wall.lines) !== lines) drawLines();
  await drawMap();
}

function refreshSoon() {
  refreshing ??= setTimeout(() => {
    refreshing = null;
    refresh().catch(() => {});
  }, 400);
}

// A raised alarm is shown from the fact itself, at once; the whole picture follows from the server.
function onFact(fact) {
  if (fact.kind === "decided.AlarmRaised" && !wall.alarms.some((alarm) => alarm.alarm_id === fact.alarm_id)) {
    const name = wall.districts.find((district) => district.code === fact.area.slice(0, 6))?.name ?? "";
    wall.alarms.unshift({
      alarm_id: fact.alarm_id, level: fact.level, title: fact.title[words.text], state: "raised", place: name, thing: fact.thing_name[words.text],
      value: fact.value, unit: fact.unit, first_at: fact.happened_at, longitude: fact.longitude, latitude: fact.latitude,
      trace: `/trace/fact/${fact.fact_id}/`, case: null,
    });
    inOrder(wall.alarms);
    wall.alarms_open += 1;
    if (!wall.highest || fact.level < wall.highest) wall.highest = fact.level;
    drawAlarms([fact.alarm_id]);
  }
  if ((fact.kind === "decided.AlarmRaised" || fact.kind === "decided.AlarmLevelChanged") && fact.level <= 2) sound.play(fact.level);
  refreshSoon();
}

function heard() {
  lastHeard = Date.now();
}

function follow() {
  const feed = new EventSource("/wall/feed/");
  feed.addEventListener("fact", (event) => { heard(); onFact(JSON.parse(event.data)); });
  feed.addEventListener("numbers", (event) => { heard(); drawStages(JSON.parse(event.data).stages); });
  feed.addEventListener("reload", () => { heard(); refreshSoon(); });
  feed.addEventListener("beat", heard);
  feed.addEventListener("open", refreshSoon);
  feed.addEventListener("error", () => {
    if (feed.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  });
}

function tick() {
  const now = new Date(Date.now() + clockOffset);
  const clock = (date) => date.toLocaleTimeString("en-GB", { timeZone: "Asia/Shanghai" });
  at("clock").textContent = clock(now);
  for (const element of document.querySelectorAll("[data-age]")) element.textContent = age(element.dataset.age);
  const old = Date.now() - lastHeard > OLD_AFTER_MS;
  const said = !old ? words.live : lastHeard === 0 ? words.connecting : words.old.replace("{at}", clock(new Date(lastHeard + clockOffset)));
  const feed = at("feed");
  feed.className = `feed ${old ? "feed-old" : "feed-live"}`;
  if (feed.textContent !== said) feed.textContent = said;
}

function perform(what) {
  const alarm = wall.alarms.find((item) => item.alarm_id === chosen);
  if (!alarm) return;
  if (what === "trace") location.href = alarm.trace;
  else if (what === "case" && alarm.case) location.href = alarm.case.url;
  else if (what === "acknowledge" || what === "shelve") fillDialog(what, alarm, words);
}

const KEYS = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  a: () => wall.may_act && perform("acknowledge"), s: () => wall.may_act && perform("shelve"), c: () => perform("case"), t: () => perform("trace"),
  m: () => sound.toggle(), h: () => { if (wall.may_hand_over) location.href = "/shift/"; }, "?": () => at("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || event.target.closest?.("input, textarea, select, summary")) return;
  const key = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!key) return;
  event.preventDefault();
  key();
});
at("alarms").addEventListener("click", (event) => choose(Number(event.target.closest(".alarm")?.dataset.id) || chosen));
at("alarms").addEventListener("focusin", (event) => choose(Number(event.target.closest(".alarm")?.dataset.id) || chosen));
at("help-open").addEventListener("click", () => at("help").showModal());
for (const button of document.querySelectorAll("[data-do]")) button.addEventListener("click", () => perform(button.dataset.do));
for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
for (const form of document.querySelectorAll("form[data-action]")) form.addEventListener("submit", (event) => act(event, words, refreshSoon));

let resizing = null;
window.addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => { maps.forEach((map) => map.resize()); drawLines(); drawMap(); }, 150);
});

await document.fonts.ready;
await draw();
tick();
setInterval(tick, 1000);
setInterval(() => refresh().catch(() => {}), REFRESH_EVERY_MS);
follow();
document.body.dataset.ready = "1";
