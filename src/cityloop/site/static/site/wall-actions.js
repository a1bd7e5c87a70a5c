// Acknowledging and shelving from the wall: a dialogue, one POST, the answer's sentence where it is refused.
const SHELVED_FOR_MS = 60 * 60 * 1000;
const CONSENT_FROM_LEVEL = 2;
let current = null;

const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);

// What an <input type="datetime-local"> shows: the city's wall-clock time, whatever the zone of this computer.
function inTheCity(date) {
  return date.toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" }).slice(0, 16).replace(" ", "T");
}

export function fillDialog(what, alarm, words) {
  const dialog = document.getElementById(what);
  const form = dialog.querySelector("form");
  current = alarm;
  form.reset();
  dialog.querySelector(".about").textContent = `${words.levels[alarm.level]} · ${alarm.title} · ${alarm.place}`;
  dialog.querySelector(".problem").textContent = "";
  if (what === "shelve") {
    form.elements.until.value = inTheCity(new Date(Date.now() + SHELVED_FOR_MS));
    const second = dialog.querySelector(".second");
    second.hidden = alarm.level > CONSENT_FROM_LEVEL;
    for (const input of second.querySelectorAll("input")) input.required = !second.hidden;
  }
  dialog.showModal();
}

export async function act(event, words, done) {
  event.preventDefault();
  const form = event.target;
  const fields = Object.fromEntries(new FormData(form));
  if (fields.until) fields.until = `${fields.until}:00+08:00`;
  const problem = form.querySelector(".problem");
  try {
    const answer = await fetch(`/alarms/${current.alarm_id}/${form.dataset.action}/`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": cookie("csrftoken") ?? "", Accept: "application/json" },
      body: JSON.stringify(fields),
    });
    if (answer.ok) {
      form.closest("dialog").close();
      done();
      return;
    }
    const said = await answer.json().catch(() => ({}));
    problem.textContent = said.message ?? said.error ?? words.refused;
  } catch {
    problem.textContent = words.unreachable;
  }
}
