/** Failures of the control plane in the languages of the host; what is not here is said in English. */
import { ERRORS, type ErrorCode } from '../protocol/errors.js';
import type { Catalog } from './texts.js';

/** `error.plugin.not.found` for `PLUGIN_NOT_FOUND` (`spec/governance.md` §2.1). */
export function errorKey(code: ErrorCode): string {
  return `error.${code.toLowerCase().replaceAll('_', '.')}`;
}

/** By key, `{name}` standing for the fact of that name; a sentence that is nothing but its reason needs no translation. */
export function englishErrors(): Catalog {
  const sentences = (Object.keys(ERRORS) as ErrorCode[]).map(
    (code) => [errorKey(code), ERRORS[code].sentence] as const,
  );
  return new Map(sentences.filter(([, sentence]) => sentence !== '{reason}'));
}

export function chineseErrors(): Catalog {
  return new Map(Object.entries(CHINESE).map(([code, text]) => [errorKey(code as ErrorCode), text]));
}

// biome-ignore format: a table
const CHINESE: Readonly<Partial<Record<ErrorCode, string>>> = {
  PLUGIN_ID_INVALID:                 '插件标识 {pluginId} 无效：{reason}',
  UPLOAD_FILE_TOO_LARGE:             '文件大小不能超过 {maxSizeMB}MB',
  SBX_BODY_INVALID:                  '请求内容无效：{reason}',
  SBX_NOT_FOUND:                     '{path} 不存在',
  SBX_INTERNAL:                      '内部错误：{reason}',
  SBX_STORE_FAILED:                  '存储失败：{reason}',
  SBX_NOT_AVAILABLE:                 '当前版本不支持：{action}',
  SBX_SHUTTING_DOWN:                 '宿主正在关闭',

  PLUGIN_NOT_FOUND:                  '插件 {pluginId} 不存在',
  PLUGIN_NOT_INSTALLED:              '插件 {pluginId} 尚未安装',
  PLUGIN_RELEASE_NOT_FOUND:          '插件 {pluginId} 的版本 {version} 不存在，请重新安装',
  PLUGIN_INSTALL_MODE_INVALID:       '安装模式 {installMode} 无效，只能是 global 或 tenant_scoped',
  PLUGIN_INSTALL_MODE_SCOPE_NATURE_MISMATCH: '插件 {pluginId} 不能以 {installMode} 模式安装：清单声明 scope_nature {scopeNature}、supports_multi_tenant {supportsMultiTenant}',
  PLUGIN_INSTALL_MOCK_DATA_FAILED:   '插件 {pluginId} 已安装，但演示数据加载失败：{cause}',
  PLUGIN_DYNAMIC_ARTIFACT_MISSING:   '插件 {pluginId} 无法执行 {action}：缺少文件 {artifactPath}',
  PLUGIN_DYNAMIC_ARTIFACT_VALIDATE_FAILED: '插件 {pluginId} 无法执行 {action}：{reason}',
  PLUGIN_DYNAMIC_VERSION_DOWNGRADE_UNSUPPORTED: '插件 {pluginId} 当前版本为 {version}，暂存版本 {stagedVersion} 更低',
  PLUGIN_DYNAMIC_UNINSTALL_ARTIFACT_MISSING: '插件 {pluginId} 无法卸载：版本文件均已丢失；强制卸载只清除治理数据',
  PLUGIN_DEPENDENCY_BLOCKED:         '插件 {pluginId} 的依赖不满足：{blockers}',
  PLUGIN_REVERSE_DEPENDENCY_BLOCKED: '插件 {pluginId} 被 {dependents} 依赖：{blockers}',
  PLUGIN_REVERSE_ENABLED_DEPENDENCY_BLOCKED: '插件 {pluginId} 被已启用的插件 {dependents} 依赖：{blockers}',
  PLUGIN_LIFECYCLE_PRECONDITION_VETOED: '插件 {pluginId} 拒绝了操作 {operation}：{reasons}',
  PLUGIN_FORCE_UNINSTALL_DISABLED:   '插件 {pluginId} 不能强制卸载：plugin.allowForceUninstall 为 false',
  PLUGIN_UNINSTALL_EXECUTION_FAILED: '插件 {pluginId} 卸载失败：{reason}',
  PLUGIN_RUNTIME_UPGRADE_REQUIRED:   '插件 {pluginId} 需要先完成运行时升级',
  PLUGIN_RUNTIME_UPGRADE_CONFIRMATION_REQUIRED: '切换插件 {pluginId} 的生效版本需要确认',
  PLUGIN_RUNTIME_UPGRADE_PREVIEW_UNAVAILABLE: '插件 {pluginId}（{runtimeState}）没有可预览的升级',
  PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_MISSING: '插件 {pluginId} 的版本 {version} 缺少快照',
  PLUGIN_RUNTIME_UPGRADE_SNAPSHOT_INVALID: '插件 {pluginId} 的版本 {version} 无法读取：{reason}',
  PLUGIN_RUNTIME_UPGRADE_UNAVAILABLE: '插件 {pluginId}（{runtimeState}）没有可升级的版本',
  PLUGIN_RUNTIME_UPGRADE_ALREADY_RUNNING: '插件 {pluginId} 的另一个操作正在进行',
  PLUGIN_RUNTIME_UPGRADE_EXECUTION_FAILED: '插件 {pluginId} 从 {fromVersion} 升级到 {toVersion} 在 {phase} 阶段失败：{reason}',
  PLUGIN_RUNTIME_ROLLBACK_UNAVAILABLE: '插件 {pluginId} 无法回滚：{reason}',
  PLUGIN_SOURCE_REGISTRY_NOT_FOUND:  '插件 {pluginId} 未注册',
  PLUGIN_TENANT_PROVISIONING_POLICY_INVALID: '插件 {pluginId} 未按租户安装，不能设置新租户启用策略',
  PLATFORM_PERMISSION_REQUIRED:      '插件由平台管理，租户无权操作',
  SBX_GRANT_DECISION_INVALID:        '宿主服务授权无效：{reason}',
  SBX_ARCHIVE_BROKEN:                '归档版本 {path} 无法使用：{reason}',
  SBX_HOSTED_MENU_INVALID:           '插件页面无法展示：{reason}',
  SBX_MENU_INVALID:                  '插件 {pluginId} 的菜单无法写入：{reason}',
  SBX_PLUGIN_NOT_ENABLED:            '动态插件未启用',
  SBX_RESOURCE_NOT_FOUND:            '插件 {pluginId} 没有资源 {resource}',
  SBX_RESOURCE_UNAVAILABLE:          '插件 {pluginId} 的资源 {resource} 无法读取：{reason}',
  SBX_SQL_DEADLINE:                  '插件 {pluginId} 的 {phase} SQL 超过 {deadlineMs} 毫秒，已终止',
  SBX_TENANT_COLUMN_MISSING:         '插件 {pluginId} 面向租户，但这些表缺少 tenant_id 列：{tables}',
  SBX_QUARANTINED:                   '插件 {pluginId} 已被隔离：失败过于频繁，最近一次为 {lastCode}',

  SBX_CREDENTIALS_INVALID:           '用户名或密码错误',
  SBX_TOKEN_MISSING:                 '缺少 Authorization 请求头',
  SBX_TOKEN_SHAPE:                   'Bearer 令牌格式无效',
  SBX_TOKEN_INVALID:                 '令牌无效',
  SBX_SESSION_EXPIRED:               '会话已过期',
  SBX_PERMISSION_DENIED:             '没有权限',
  PERMISSION_DENIED_REQUIRED:        '需要权限 {permission}',
  SBX_LOGIN_RATE:                    '登录失败次数过多，请在 {retryAfterSeconds} 秒后重试',
  SBX_ACCOUNT_INVALID:               '账号无效：{reason}',
  USER_NOT_FOUND:                    '用户 {userId} 不存在',
  USER_USERNAME_EXISTS:              '用户名 {username} 已被占用',
  SBX_ROLE_NOT_FOUND:                '角色 {role} 不存在',
  SBX_ROLE_EXISTS:                   '角色标识 {role} 已被占用',
  SBX_MENU_NOT_FOUND:                '菜单 {menuId} 不存在',
  SBX_GRANT_ABOVE:                   '不能授予、收回或修改超出自身权限的内容：{beyond}',
  SBX_LAST_SUPER_ADMIN:              '用户 {userId} 是最后一个超级管理员，不能删除或停用',
  SBX_TENANT_NOT_FOUND:              '租户 {tenantId} 不存在',
  SBX_TENANT_EXISTS:                 '租户编码 {code} 已被占用',
  SBX_TENANT_INVALID:                '租户无效：{reason}',
  SBX_TENANT_IN_USE:                 '租户 {tenantId} 仍有 {userCount} 个用户',
  SBX_TENANT_PLUGIN_GLOBAL:          '插件 {pluginId} 面向所有租户安装，租户不能单独设置',
  TENANT_FORBIDDEN:                  '当前用户不能访问租户 {tenantId}',
  TENANT_SUSPENDED:                  '租户 {tenantId} 已停用',
  CROSS_TENANT_NOT_ALLOWED:          '当前上下文不允许跨租户访问',
};
