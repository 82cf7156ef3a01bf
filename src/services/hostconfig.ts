import { encodeJsonResponse, goJson, type HostCallRequest } from '../protocol/host-call.js';
import { decodeConfigKeyRequest, encodeConfigValueResponse } from '../protocol/payloads.js';
import { trimGo } from '../protocol/text.js';
import { type Arguments, readArguments } from './arguments.js';
import { capabilityDenied, limitExceeded } from './failures.js';
import { defineService, EMPTY_REPLY, failure, type HostCallContext, reply, type ServiceReply } from './service.js';
import type { SysConfigPort } from './sys-config-port.js';

const MAX_VALUE_BYTES = 64 * 1024;

/**
 * Values of the host under the keys that the plugin was granted: system parameters, which it may also set, before the
 * configuration (`spec/host-services.md` §11).
 */
export const hostconfig = defineService({
  name: 'hostconfig',
  placement: 'host',
  methods: ({ hostConfig, sysConfig }) => {
    const onParameter =
      (method: ParameterMethod) =>
      (call: HostCallRequest, context: HostCallContext): ServiceReply => {
        const given = readArguments(call.payload);
        const key = trimGo(given.text('key'));
        if (key !== trimGo(call.resourceRef)) return keyMismatch();
        if (sysConfig === undefined) return failure(4, 'hostconfig host service is not scoped');
        return method(sysConfig, key, given, context);
      };
    return {
      get: (call, { tenantId }) => {
        const key = trimGo(decodeConfigKeyRequest(call.payload).key);
        if (key !== trimGo(call.resourceRef)) return keyMismatch();
        const parameter = sysConfig?.find(key, tenantId);
        // The text of a parameter is a JSON string, whatever it looks like.
        const value = parameter ? goJson(parameter.value) : hostConfig(key, tenantId);
        return value === undefined ? EMPTY_REPLY : reply(encodeConfigValueResponse({ value, found: true }));
      },
      'sys_config.get': onParameter(getParameter),
      'sys_config.value.set': onParameter(setParameter),
      'sys_config.reset': onParameter((parameters, key, _given, { tenantId, pluginId }) =>
        parameters.reset(tenantId, key, operatorOf(pluginId)) ? done() : capabilityDenied(),
      ),
    };
  },
});

type ParameterMethod = (
  parameters: SysConfigPort,
  key: string,
  given: Arguments,
  context: HostCallContext,
) => ServiceReply;

const getParameter: ParameterMethod = (parameters, key, _given, { tenantId }) => {
  const parameter = parameters.find(key, tenantId);
  if (parameter === undefined) return capabilityDenied();
  return reply(
    encodeJsonResponse({
      Key: key,
      Value: parameter.value,
      SystemManageable: parameter.systemManageable,
      LabelKey: `config.${key}.label`,
      Label: parameter.name,
    }),
  );
};

const setParameter: ParameterMethod = (parameters, key, given, { tenantId, pluginId }) => {
  const value = given.text('value');
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) return limitExceeded(MAX_VALUE_BYTES);
  parameters.set(tenantId, key, { value, systemManageable: given.flag('systemManageable') }, operatorOf(pluginId));
  return done();
};

/** As the audit log names who did it. */
function operatorOf(pluginId: string): string {
  return `plugin:${pluginId}`;
}

function keyMismatch(): ServiceReply {
  return failure(1, 'hostconfig request key must match the authorized resourceRef');
}

function done(): ServiceReply {
  return reply(encodeJsonResponse(true));
}
