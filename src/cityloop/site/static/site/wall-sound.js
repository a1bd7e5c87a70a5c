// Levels I and II are heard: a tone of our own, made by WebAudio, after the officer has switched it on (browsers ask for a gesture).
const TONES = { 1: [880, 660, 880, 660], 2: [660, 520] };
const TONE_S = 0.22;
const KEPT = "cityloop-sound";

export class Sound {
  constructor(button, words) {
    this.button = button;
    this.words = words;
    this.context = null;
    this.wanted = localStorage.getItem(KEPT) === "on";
    button.addEventListener("click", () => this.toggle());
    if (this.wanted) {
      for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, () => this.wanted && this.begin(), { once: true });
    }
    this.show();
  }

  begin() {
    this.context ??= new AudioContext();
    this.context.resume().then(() => this.show());
  }

  toggle() {
    this.wanted = !this.wanted;
    localStorage.setItem(KEPT, this.wanted ? "on" : "off");
    if (this.wanted) {
      this.begin();
      this.play(2);
    }
    this.show();
  }

  show() {
    const asleep = this.wanted && this.context?.state !== "running";
    this.button.setAttribute("aria-pressed", String(this.wanted));
    this.button.firstChild.textContent = `${this.wanted ? (asleep ? this.words.sound_waits : this.words.sound_on) : this.words.sound_off} `;
  }

  play(level) {
    if (!this.wanted || !this.context) return;
    TONES[level].forEach((pitch, index) => {
      const tone = this.context.createOscillator();
      const loudness = this.context.createGain();
      const start = this.context.currentTime + index * TONE_S;
      tone.frequency.value = pitch;
      loudness.gain.setValueAtTime(0.0001, start);
      loudness.gain.exponentialRampToValueAtTime(0.25, start + 0.02);
      loudness.gain.exponentialRampToValueAtTime(0.0001, start + TONE_S);
      tone.connect(loudness).connect(this.context.destination);
      tone.start(start);
      tone.stop(start + TONE_S);
    });
  }
}
