/** What it costs to turn requests, responses and host calls into bytes and back: the floor under every invocation. */
import { decodeResponseEnvelope, encodeRequestEnvelope, type RequestEnvelope } from '../src/protocol/envelope.js';
import { encodeResponseEnvelope } from '../src/protocol/envelope-guest.js';
import {
  decodeHostCallRequest,
  encodeHostCallRequest,
  encodeHostCallResponse,
  encodeValueResponse,
  writeHostCallResponse,
} from '../src/protocol/host-call.js';
import { decodePayload, encodePayload } from '../src/protocol/payloads.js';
import { loopCase } from './case.js';

const BODY = Buffer.from(JSON.stringify({ title: 'record', content: 'x'.repeat(420) }));
const slot = new Uint8Array(new SharedArrayBuffer(65536));

const request: RequestEnvelope = {
  pluginId: 'linapro-demo',
  requestId: 'linapro-demo:POST:/api/v1/records',
  route: {
    method: 'POST',
    publicPath: '/x/linapro-demo/api/v1/records',
    internalPath: '/api/v1/records',
    routePath: '/api/v1/records',
    access: 'login',
    permission: 'linapro-demo:record:create',
    requestType: 'CreateRecordReq',
  },
  request: {
    method: 'POST',
    publicPath: '/x/linapro-demo/api/v1/records',
    internalPath: '/api/v1/records',
    rawPath: '/x/linapro-demo/api/v1/records',
    host: '127.0.0.1:9120',
    remoteAddr: '127.0.0.1:54321',
    clientIp: '127.0.0.1',
    contentType: 'application/json',
    headers: {
      Accept: ['application/json, text/plain, */*'],
      'Accept-Encoding': ['gzip, deflate, br'],
      'Accept-Language': ['en-US,en;q=0.9'],
      'Cache-Control': ['no-cache'],
      Connection: ['keep-alive'],
      'Content-Length': ['452'],
      'Content-Type': ['application/json'],
      'User-Agent': ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0'],
      'X-Forwarded-For': ['10.0.0.1'],
      'X-Request-Id': ['0f8fad5b-d9cb-469f-a165-70867728950e'],
    },
    cookies: { session: 'abc' },
    body: BODY,
  },
  identity: { tokenId: 't1', userId: 1, username: 'admin', status: 1, roleNames: ['admin'], isSuperAdmin: true },
};
const requestJson = { ...request, request: { ...request.request, body: BODY.toString('utf8') } };

const response = { statusCode: 200, contentType: 'application/json', headers: { 'X-Trace': ['1'] }, body: BODY };
const responseBytes = new Uint8Array(new SharedArrayBuffer(encodeResponseEnvelope(response).length));
responseBytes.set(encodeResponseEnvelope(response));
const responseJson = Buffer.from(JSON.stringify({ ...response, body: BODY.toString('utf8') }));

const call = {
  service: 'storage',
  method: 'get',
  resourceRef: 'a/b.txt',
  table: '',
  payload: encodePayload('HostServiceStorageGetRequest', { path: 'a/b.txt' }),
  owner: '',
  version: '',
};
const callBytes = encodeHostCallRequest(call);
const callJson = Buffer.from(JSON.stringify({ service: 'storage', method: 'get', resourceRef: 'a/b.txt' }));
const value = encodeValueResponse('1714212345678');

/** What `work` gives is kept, so that the compiler cannot leave it out. */
let kept: unknown;
const repeat = (work: () => unknown) => (iterations: number) => {
  for (let i = 0; i < iterations; i++) kept = work();
  return void kept;
};

export const wireCase = loopCase('wire', [
  {
    row: 'encode request into a slot',
    unit: 'us',
    rival: 'request as JSON',
    run: repeat(() => encodeRequestEnvelope(request, slot)),
  },
  { row: 'request as JSON', unit: 'us', run: repeat(() => Buffer.from(JSON.stringify(requestJson))) },
  {
    row: 'decode response from a slot',
    unit: 'us',
    rival: 'response as JSON',
    run: repeat(() => decodeResponseEnvelope(responseBytes)),
  },
  { row: 'response as JSON', unit: 'us', run: repeat(() => JSON.parse(responseJson.toString())) },
  {
    row: 'decode host-call request',
    unit: 'us',
    rival: 'host-call request as JSON',
    run: repeat(() => decodeHostCallRequest(callBytes)),
  },
  { row: 'host-call request as JSON', unit: 'us', run: repeat(() => JSON.parse(callJson.toString())) },
  {
    row: 'encode host-call response',
    unit: 'us',
    run: repeat(() => encodeHostCallResponse({ status: 0, payload: value })),
  },
  {
    row: 'write host-call response in place',
    unit: 'us',
    rival: 'encode host-call response',
    run: repeat(() => writeHostCallResponse({ status: 0, payload: value }, slot)),
  },
  {
    row: 'decode payload by table',
    unit: 'us',
    run: repeat(() => decodePayload('HostServiceStorageGetRequest', call.payload)),
  },
]);
