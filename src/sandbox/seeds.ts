/** Random numbers of 64 bits, made many at a time: one by one they would cost more than the reset of an instance. */
const seeds = new BigUint64Array(512);
let next = seeds.length;

export function randomSeed(): bigint {
  if (next === seeds.length) {
    crypto.getRandomValues(seeds);
    next = 0;
  }
  const seed = seeds[next] as bigint;
  // Nobody can read from this memory what another request was given.
  seeds[next++] = 0n;
  return seed;
}
