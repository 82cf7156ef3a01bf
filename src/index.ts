export { ERRORS, SandpoolError } from './protocol/errors.js';
