// The browser's microphone as a call: permission, samples to 16 bits, and what is lost when the line is too slow.

const MOST_WAITING = 1 << 20;

export class Microphone {
  /** `connect()` gives an open-able WebSocket to /stream; `onend(sentence)` is told when it is over, and why. */
  constructor(connect, onend) {
    this.connect = connect;
    this.onend = onend;
    this.active = false;
  }

  async start() {
    this.active = true;
    this.lost = 0;
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
      this.media = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
      this.context = new AudioContext();
      await this.context.audioWorklet.addModule("/page/worklet.js");
      this.tap = new AudioWorkletNode(this.context, "tap");
      this.context.createMediaStreamSource(this.media).connect(this.tap);
      this.socket = this.connect();
    } catch (error) {
      this.stop(explain(error));
      return;
    }
    this.socket.onopen = () => {
      this.socket.send(JSON.stringify({ rate: this.context.sampleRate, name: "Microphone" }));
      this.tap.port.onmessage = ({ data }) => this.send(data);
    };
    this.socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "error") this.stop(message.error);
    };
    this.socket.onclose = () => this.stop("The line to the service was lost; press the button to speak again.");
  }

  send(samples) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > MOST_WAITING) {
      this.lost += samples.length / this.context.sampleRate;
      return;
    }
    if (this.lost) {
      this.socket.send(JSON.stringify({ type: "gap", seconds: this.lost }));
      this.lost = 0;
    }
    this.socket.send(Int16Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample)) * 32767));
  }

  stop(sentence = "") {
    if (!this.active) return;
    this.active = false;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send('{"type": "end"}');
    this.media?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.media = this.context = undefined;
    this.onend(sentence);
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
