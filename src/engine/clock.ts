export { wallClock } from '../protocol/clock.js';
