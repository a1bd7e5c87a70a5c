// A page without drawings of its own is ready once its document is; one that draws sets `data-drawing` on its body
// first and calls `ready()` itself.
// A table wider than its frame is scrolled by keyboard too.
function reachByKeyboard() {
  for (const frame of document.querySelectorAll(".cl-scroll, .table-responsive, .cl-nav ul")) {
    if (frame.scrollWidth > frame.clientWidth && !frame.querySelector("a, button, input")) frame.tabIndex = 0;
  }
}

reachByKeyboard();
window.addEventListener("resize", reachByKeyboard);

export function ready() {
  delete document.body.dataset.drawing;
  document.body.dataset.ready = "1";
}

if (document.body.dataset.drawing === undefined) {
  ready();
}
