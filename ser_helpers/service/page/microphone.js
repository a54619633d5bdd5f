// The browser's microphone as a call: permission, samples as 16-bit integers, gaps where the connection is too slow.

const MAX_BUFFERED = 1 << 20; // bytes that wait in the browser before samples are left out

export class Microphone {
  /** `connect()` returns a WebSocket to /stream; `onend(sentence)` is called when the call is over, with the reason. */
  constructor(connect, onend) {
    this.connect = connect;
    this.onend = onend;
    this.active = false;
    this.call = null; // the id of the last call
  }

  async start() {
    this.active = true;
    this.missing = 0; // samples that were not sent and not yet reported as a gap
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
      this.media = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
      this.context = new AudioContext();
      await this.context.audioWorklet.addModule("/page/worklet.js");
      this.tap = new AudioWorkletNode(this.context, "tap");
      this.context.createMediaStreamSource(this.media).connect(this.tap);
      if (this.active) this.open();
      else this.release(); // stopped while the browser asked for permission
    } catch (error) {
      this.stop(explain(error));
    }
  }

  open() {
    const hello = { rate: this.context.sampleRate, name: "Microphone" };
    this.socket = this.connect();
    this.socket.onopen = () => this.socket?.send(JSON.stringify(hello));
    this.socket.onmessage = ({ data }) => this.handle(JSON.parse(data));
    this.socket.onclose = () => this.stop("The connection was lost and the call has ended; press the button to start a new one.");
  }

  handle({ type, error, call }) {
    if (type === "error") this.stop(error);
    if (type === "ready") this.call = call;
    if (type === "ready" && this.active) this.tap.port.onmessage = ({ data }) => this.send(data);
  }

  /** Sends samples, or counts them as missing while too many wait; a gap is reported before the next samples. */
  send(samples) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > MAX_BUFFERED) {
      this.missing += samples.length;
      return;
    }
    if (this.missing) this.socket.send(JSON.stringify({ type: "gap", seconds: this.missing / this.context.sampleRate }));
    this.missing = 0;
    this.socket.send(Int16Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample)) * 32767));
  }

  stop(sentence = "") {
    if (!this.active) return;
    this.active = false;
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
    NotReadableError: "The microphone is in use by another program. Close that program and press the button again.",
    SecurityError: "Browsers allow the microphone only on pages with https or localhost. Open this page at such an address.",
  };
  return sentences[error.name] ?? `The microphone cannot be used (${error.message}). Press the button to try again.`;
}
