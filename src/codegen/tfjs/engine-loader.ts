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

  function describe() {
    return Object.freeze({ ...card, backend: place.backend, why: place.why });
  }

  const lostError = (cause) =>
    new Error(
      \`\${lost} was lost, and the network moves to another backend: \\\`await net.ready\\\`, then run again.\`,
      { cause },
    );

  watch();
  function watch() {
    const { running, backend } = place;
    if (backend in graphics) whenLost(running).then(() => place?.running === running && move());
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

  const fails = (cause) => {
    move();
    throw lostError(cause);
  };

  return {
    get info() {
      return info;
    },

    get isMoving() {
      return moving !== undefined;
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
      if (isLost(place.running)) fails();
      return onBackend(tf, place.backend, () => work(place));
    },

    /** An error may come of a context that is no longer there, which is found out by using it. */
    attempt(work) {
      try {
        return work();
      } catch (cause) {
        const { backend } = place;
        let answers = !(backend in graphics);
        try {
          answers ||= isStamped([tf.tidy(() => stamps(tf, backend)[0].dataSync())], backend);
        } catch {}
        if (answers) throw cause;
        return fails(cause);
      }
    },

    /** Waits for values; a lost context would let it wait for ever. */
    async read(results) {
      const { backend, running } = place;
      const reading = Promise.all(results.map((result) => result.data()));
      if (!(backend in graphics)) return reading;
      try {
        return await Promise.race([reading, whenLost(running).then(() => Promise.reject())]);
      } catch (cause) {
        reading.catch(() => {});
        return fails(cause);
      }
    },

    /** Values that were read, if the context lived until then. */
    check(values) {
      if (!isStamped(values, place?.backend)) fails();
      return values;
    },

    dispose() {
      if (place && !moving) tf.dispose(place.weights);
      place = undefined;
    },
  };
}
`;
