// The device in a person's pocket: one-time codes as RFC 6238 has them, from the secret that the
// page shows.
import { createHmac } from 'node:crypto';

const STEP_MS = 30_000;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function decode(text) {
  const bits = [...text.replace(/[\s=]/g, '').toUpperCase()].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** The code of a time step: SHA-1, six digits. */
export function codeAt(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac('sha1', decode(secret)).update(counter).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

export class Device {
  #secret;
  #last = 0;

  constructor(secret) {
    this.#secret = secret;
  }

  /**
   * A code that was not given yet. The server takes the step before and after too, so three in a
   * row come at once; for more, time has to pass.
   */
  async code() {
    for (;;) {
      const now = Date.now() / STEP_MS;
      // The step before must not pass away while the code is on its way.
      const earliest = now % 1 < 0.7 ? Math.floor(now) - 1 : Math.floor(now);
      const step = Math.max(earliest, this.#last + 1);
      if (step <= Math.floor(now) + 1) {
        this.#last = step;
        return codeAt(this.#secret, step);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
