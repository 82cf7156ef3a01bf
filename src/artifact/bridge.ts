/** How a host calls the guest of an artifact, if it may at all (`spec/artifact.md` §2.11). */
import { type Decoder, flag, object, text } from './decode.js';
import { invalid } from './json.js';
import { lower, trim } from './text.js';

export interface BridgeContract {
  readonly abiVersion: 'v1';
  readonly runtimeKind: 'wasm';
  /** Whether the guest answers routes, callbacks and jobs. */
  readonly routeExecution: boolean;
  readonly requestCodec: string;
  readonly responseCodec: string;
  readonly allocExport: string;
  readonly executeExport: string;
}

export interface RawBridge extends Omit<BridgeContract, 'abiVersion' | 'runtimeKind'> {
  readonly abiVersion: string;
  readonly runtimeKind: string;
}

const ALLOC_EXPORT = 'lina_dynamic_route_alloc';
const EXECUTE_EXPORT = 'lina_dynamic_route_execute';

/** The bridge that an artifact with code declares. */
export const EXECUTABLE_BRIDGE: BridgeContract = {
  abiVersion: 'v1',
  runtimeKind: 'wasm',
  routeExecution: true,
  requestCodec: 'protobuf',
  responseCodec: 'protobuf',
  allocExport: ALLOC_EXPORT,
  executeExport: EXECUTE_EXPORT,
};

/** The bridge that an artifact of resources alone declares. */
export const SILENT_BRIDGE: BridgeContract = {
  ...EXECUTABLE_BRIDGE,
  routeExecution: false,
  requestCodec: '',
  responseCodec: '',
};

/** Reads section `lina.plugin.backend.bridge`. */
export const decodeBridge: Decoder<RawBridge> = object<RawBridge>({
  abiVersion: ['abiVersion', text],
  runtimeKind: ['runtimeKind', text],
  routeExecution: ['routeExecution', flag],
  requestCodec: ['requestCodec', text],
  responseCodec: ['responseCodec', text],
  allocExport: ['allocExport', text],
  executeExport: ['executeExport', text],
});

/** The bridge with its defaults. @throws SBX_ARTIFACT_INVALID */
export function normalizeBridge(raw: RawBridge): BridgeContract {
  const [abiVersion, runtimeKind] = [lower(raw.abiVersion) || 'v1', lower(raw.runtimeKind) || 'wasm'];
  if (abiVersion !== 'v1') throw invalid(`dynamic bridge ABI version is not supported: ${abiVersion}`);
  if (runtimeKind !== 'wasm') throw invalid(`dynamic bridge runtime kind must be wasm: ${runtimeKind}`);
  const [requestCodec, responseCodec] = [lower(raw.requestCodec), lower(raw.responseCodec)];
  if (raw.routeExecution && (requestCodec !== 'protobuf' || responseCodec !== 'protobuf')) {
    throw invalid(`dynamic bridge only supports protobuf codecs: ${requestCodec}/${responseCodec}`);
  }
  const allocExport = trim(raw.allocExport) || ALLOC_EXPORT;
  const executeExport = trim(raw.executeExport) || EXECUTE_EXPORT;
  const { routeExecution } = raw;
  return { abiVersion, runtimeKind, routeExecution, requestCodec, responseCodec, allocExport, executeExport };
}

/** The bridge in the shape of its section, keys in the order that is written. */
export function encodeBridge(bridge: BridgeContract): object {
  return {
    abiVersion: bridge.abiVersion,
    runtimeKind: bridge.runtimeKind,
    routeExecution: bridge.routeExecution,
    requestCodec: bridge.requestCodec || undefined,
    responseCodec: bridge.responseCodec || undefined,
    allocExport: bridge.allocExport || undefined,
    executeExport: bridge.executeExport || undefined,
  };
}
