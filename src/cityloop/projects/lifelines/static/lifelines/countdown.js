// Counts down to what `data-until` names, by the server's clock; without this script the page shows hours and instant.
const script = document.querySelector("script[data-now]");
const words = JSON.parse(document.getElementById("countdown-words").textContent);
const ahead_ms = Date.parse(script.dataset.now) - Date.now();

function left(until) {
  const seconds = Math.floor((Date.parse(until) - Date.now() - ahead_ms) / 1000);
  if (seconds <= 0) return words.over;
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (days >= 3) return words.days.replace("{d}", days).replace("{h}", hours % 24).replace("{m}", minutes);
  return words.hours.replace("{h}", hours).replace("{m}", minutes).replace("{s}", seconds % 60);
}

function tick() {
  for (const element of document.querySelectorAll("[data-until]")) element.textContent = left(element.dataset.until);
}

tick();
setInterval(tick, 1000);
