// Counts down to a deadline: every element with data-deadline says how long is left, or by how much it is over.
const SECOND = 1000;

function span(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = String(Math.floor((seconds % 3600) / 60)).padStart(2, "0");
  return `${hours}:${minutes}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

function tell(element) {
  const left = (Date.parse(element.dataset.deadline) - Date.now()) / SECOND;
  const words = left >= 0 ? element.dataset.left : element.dataset.over;
  element.textContent = words.replace("{span}", span(Math.abs(left)));
  element.classList.toggle("cl-overdue", left < 0);
}

const clocks = [...document.querySelectorAll("[data-deadline]")];
clocks.forEach(tell);
if (clocks.length > 0) setInterval(() => clocks.forEach(tell), SECOND);
