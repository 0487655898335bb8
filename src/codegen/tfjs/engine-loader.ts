/**
 * The part of the loader that knows what a network runs on. Graphics contexts get lost: the driver restarts, a laptop
 * goes to sleep, a page is in the background for long. A lost one takes its weights along, every call on it is a quiet
 * no-op, and what is read from it are zeros. So the network moves to another backend, for which the weights are read
 * again, and no result is taken for one without a number behind it that only a live context can have made.
 */
export const engineText = `
// ---- what the network runs on ------------------------------------------------------------------

/** A started backend with the weights on it. */
function placeOn(tf, backend, bytes, why) {
  const running = tf.engine().registry[backend];
  return { backend, running, why, weights: onBackend(tf, backend, () => upload(tf, backend, bytes)) };
}

/** What a run in a graphics context makes last and reads last: a number that only a live context can have made. */
const stamps = (tf, backend) => (backend in graphics ? [tf.fill([1], 1)] : []);

const isStamped = (values, backend) => !(backend in graphics) || values[values.length - 1][0] === 1;

function keepRunning(tf, place, options) {
  let moving, failure, lost;
  let info = describe();
  /** What to do with those who wait for values when there will be none. */
  const waiting = new Set();

  function describe() {
    return Object.freeze({ ...card, backend: place.backend, why: place.why });
  }

  function lostError(cause) {
    const sentence = \`\${lost} was lost, and the network moves to another backend: \\\`await net.ready\\\`, then run again.\`;
    return Object.assign(new Error(sentence, { cause }), { code: "context-lost" });
  }

  if (place.backend in graphics) {
    whenLost(place.running).then(() => {
      for (const giveUp of waiting) giveUp();
      if (place && place.backend in graphics) move();
    });
  }

  /** Goes to wasm, or to cpu where that does not start. */
  function move() {
    if (moving) return;
    const from = place;
    lost = \`The \${graphics[from.backend]}\`;
    moving = leave(from)
      .catch((cause) => {
        if (place) failure = new Error(\`\${lost} was lost, and no other backend starts: \${cause.message}\`, { cause });
      })
      .finally(() => {
        moving = undefined;
      });
  }

  async function leave(from) {
    tf.dispose(from.weights);
    // The signal was for loading.
    const bytes = await readWeights({ ...options, signal: undefined });
    const before = tf.getBackend();
    let last;
    for (const backend of ["wasm", "cpu"]) {
      try {
        await start(tf, backend, options);
        last = undefined;
      } catch (error) {
        last = error;
        continue;
      }
      // The page's own choice stays, unless it is what was lost.
      if (before !== from.backend && before in tf.engine().registry) await tf.setBackend(before);
      if (!place) return;
      place = placeOn(tf, backend, bytes, \`\${lost.replace("The", "the")} was lost\`);
      info = describe();
      console.warn(\`\${card.name}: \${place.why}; the network runs on \${backend} now.\`);
      return;
    }
    throw last;
  }

  /** \`on\`: what it was that is lost. */
  function fails(on, cause) {
    if (on === place) move();
    throw lostError(cause);
  }

  return {
    get info() {
      return info;
    },

    get ready() {
      return Promise.resolve(moving).then(() => {
        if (failure) throw failure;
      });
    },

    /** Hands the work what it runs on; a network that cannot run says why. */
    use(work) {
      if (!place) throw new Error("This network was disposed of.");
      if (failure) throw failure;
      if (moving) throw lostError();
      if (isLost(place.running)) fails(place);
      return onBackend(tf, place.backend, () => work(place));
    },

    /** An error may come of a context that is no longer there, which is found out by using it. */
    attempt(on, work) {
      try {
        return work();
      } catch (cause) {
        const { backend } = on;
        let answers = !(backend in graphics);
        try {
          answers ||= isStamped([tf.tidy(() => stamps(tf, backend)[0].dataSync())], backend);
        } catch {}
        if (answers) throw cause;
        return fails(on, cause);
      }
    },

    /** Waits for values; a lost context would let it wait for ever. */
    async read(on, results) {
      const reading = Promise.all(results.map((result) => result.data()));
      if (!(on.backend in graphics)) return reading;
      let giveUp;
      try {
        return await new Promise((resolve, reject) => {
          giveUp = reject;
          waiting.add(giveUp);
          reading.then(resolve, reject);
        });
      } catch (cause) {
        return fails(on, cause);
      } finally {
        waiting.delete(giveUp);
      }
    },

    /** Values that were read, if the context lived until then. */
    check(on, values) {
      if (!isStamped(values, on.backend)) fails(on);
      return values;
    },

    dispose() {
      if (place && !moving) tf.dispose(place.weights);
      place = undefined;
    },
  };
}
`;
