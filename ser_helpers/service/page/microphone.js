// The browser's microphone as a call: permission, samples to 16 bits, and what is lost when the line is slow or gone.

const MOST_WAITING = 1 << 20;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 2000;

export class Microphone {
  /**
   * `connect()` gives an open-able WebSocket to /stream; `ontell(sentence)` is told how the line is, `onend(sentence)`
   * that it is over, and why.
   */
  constructor(connect, ontell, onend) {
    this.connect = connect;
    this.ontell = ontell;
    this.onend = onend;
    this.active = false;
  }

  async start() {
    this.active = true;
    this.call = null;
    this.taken = this.told = 0; // samples from the microphone, and how many of them the service knows of
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
      this.media = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
      this.context = new AudioContext();
      await this.context.audioWorklet.addModule("/page/worklet.js");
      this.tap = new AudioWorkletNode(this.context, "tap");
      this.context.createMediaStreamSource(this.media).connect(this.tap);
      if (this.active) this.dial();
      else this.release();
    } catch (error) {
      this.stop(explain(error));
    }
  }

  /** Opens a line: the first one of a call, or another one with which it goes on. */
  dial() {
    const line = this.connect();
    this.socket = line;
    this.ready = false;
    const hello = { rate: this.context.sampleRate, name: "Microphone", resume: this.call?.resume };
    line.onopen = () => line === this.socket && line.send(JSON.stringify(hello));
    line.onmessage = ({ data }) => line === this.socket && this.hear(JSON.parse(data));
    line.onclose = () => line === this.socket && this.redial();
  }

  hear({ type, ...message }) {
    if (type === "error") this.stop(message.error);
    if (type !== "ready") return;
    clearTimeout(this.patience);
    this.told = Math.round(message.seconds * this.context.sampleRate);
    if (this.call) this.ontell(`The line is back. ${Math.ceil(this.missing)} s of your voice are missing.`);
    else this.tap.port.onmessage = ({ data }) => this.send(data);
    this.call = message;
    this.ready = true;
  }

  /** The line is gone: tries again, with growing pauses, for as long as the service keeps the call. */
  redial() {
    if (!this.call?.resume_seconds) {
      this.stop("The line to the service was lost; press the button to speak again.");
      return;
    }
    if (this.ready) {
      this.ready = false;
      this.pause = FIRST_PAUSE;
      const over = "The line to the service was lost and did not come back in time; press the button to speak again.";
      this.patience = setTimeout(() => this.stop(over), 1000 * this.call.resume_seconds);
      this.ontell("The line to the service was lost. Trying again; what you say meanwhile is not heard …");
    }
    this.retry = setTimeout(() => this.dial(), this.pause);
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
  }

  /** Seconds that the service does not know of yet. */
  get missing() {
    return (this.taken - this.told) / this.context.sampleRate;
  }

  /** Sends samples where the line takes them; what it does not take is not kept but told as a gap before the next. */
  send(samples) {
    const free = this.ready && this.socket.readyState === WebSocket.OPEN && this.socket.bufferedAmount <= MOST_WAITING;
    if (free) {
      if (this.missing > 0) this.socket.send(JSON.stringify({ type: "gap", seconds: this.missing }));
      this.socket.send(Int16Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample)) * 32767));
    }
    this.taken += samples.length;
    if (free) this.told = this.taken;
  }

  stop(sentence = "") {
    if (!this.active) return;
    this.active = false;
    clearTimeout(this.patience);
    clearTimeout(this.retry);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send('{"type": "end"}');
    if (this.socket?.readyState === WebSocket.CONNECTING) this.socket.close();
    this.socket = undefined;
    this.release();
    this.onend(sentence);
  }

  release() {
    this.media?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.media = this.context = undefined;
  }
}

function explain(error) {
  const sentences = {
    NotAllowedError:
      "The microphone was not allowed. Allow it for this page, beside the address in your browser, and press the button again.",
    NotFoundError: "No microphone was found. Plug one in and press the button again.",
    NotReadableError: "The microphone is in use by another program. Close that and press the button again.",
    SecurityError: "Browsers give the microphone only to pages on https or localhost. Open this page under such an address.",
  };
  return sentences[error.name] ?? `The microphone cannot be used (${error.message}). Press the button to try again.`;
}
