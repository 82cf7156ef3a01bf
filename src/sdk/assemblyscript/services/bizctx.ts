import { invokeJson } from '../invoke';
import { Json } from '../json/json';
import { Reply } from '../reply';

/** For whom the host works right now. All zero on public routes, in lifecycle handlers and in jobs. */
export class BusinessContext {
  constructor(private readonly json: Json) {}

  get tokenId(): string {
    return this.json.get('TokenID').asText();
  }

  get userId(): i32 {
    return <i32>this.json.get('UserID').asInt();
  }

  get username(): string {
    return this.json.get('Username').asText();
  }

  /** 0 is the platform. */
  get tenantId(): i32 {
    return <i32>this.json.get('TenantID').asInt();
  }

  get actingUserId(): i32 {
    return <i32>this.json.get('ActingUserID').asInt();
  }

  get actingAsTenant(): bool {
    return this.json.get('ActingAsTenant').asBool();
  }

  get isImpersonation(): bool {
    return this.json.get('IsImpersonation').asBool();
  }

  get permissions(): string[] {
    const list = this.json.get('Permissions');
    const permissions: string[] = [];
    for (let i = 0; i < list.length; i++) permissions.push(list.at(i).asText());
    return permissions;
  }

  /** 0 none, 1 all, 2 tenant, 3 department, 4 self. */
  get dataScope(): i32 {
    return <i32>this.json.get('DataScope').asInt();
  }

  get dataScopeUnsupported(): bool {
    return this.json.get('DataScopeUnsupported').asBool();
  }

  get unsupportedDataScope(): i32 {
    return <i32>this.json.get('UnsupportedDataScope').asInt();
  }

  get isSuperAdmin(): bool {
    return this.json.get('IsSuperAdmin').asBool();
  }

  get platformBypass(): bool {
    return this.json.get('PlatformBypass').asBool();
  }
}

/** User and tenant of the current invocation. */
export function current(): Reply<BusinessContext> {
  const reply = invokeJson('bizctx', 'current.get');
  const error = reply.error;
  return error ? Reply.failed<BusinessContext>(error) : Reply.of<BusinessContext>(new BusinessContext(reply.value));
}
