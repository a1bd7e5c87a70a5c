// A page without drawings of its own is ready once its document is; one that draws sets `data-drawing` on its body
// first and calls `ready()` itself.
export function ready() {
  delete document.body.dataset.drawing;
  document.body.dataset.ready = "1";
}

if (document.body.dataset.drawing === undefined) {
  ready();
}
