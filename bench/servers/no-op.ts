/** A Piscina task that does nothing. */
export default function run(): void {}
