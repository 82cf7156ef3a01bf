/** What the host itself says in languages other than its own, English. */
import { chineseErrors, englishErrors } from './host-errors.js';
import { operationKey } from './operation-key.js';
import type { Catalog } from './texts.js';

/** By locale: failures, and texts of the API's documentation, whose source texts are English. */
export function hostTexts(): Readonly<Record<string, { readonly texts: Catalog; readonly docs?: Catalog }>> {
  return { 'en-US': { texts: englishErrors() }, 'zh-CN': { texts: chineseErrors(), docs: chineseDocs() } };
}

function chineseDocs(): Catalog {
  const docs = new Map([
    ['core.openapi.info.title', 'Sandpool'],
    ['core.openapi.info.description', '宿主控制面接口，以及已启用插件的路由。'],
  ]);
  for (const [method, path, tag, summary] of CHINESE) {
    const key = operationKey(method, path);
    docs.set(`${key}.meta.tags`, tag).set(`${key}.meta.summary`, summary);
  }
  return docs;
}

// biome-ignore format: a table
const CHINESE: readonly (readonly [method: string, path: string, tag: string, summary: string])[] = [
  ['POST',   '/api/v1/auth/login',                             '认证', '登录'],
  ['POST',   '/api/v1/auth/refresh',                           '认证', '刷新访问令牌'],
  ['POST',   '/api/v1/auth/logout',                            '认证', '退出登录'],
  ['GET',    '/api/v1/auth/me',                                '认证', '查看当前用户'],
  ['GET',    '/api/v1/i18n/runtime/locales',                   '国际化', '获取语言列表'],
  ['GET',    '/api/v1/i18n/runtime/messages',                  '国际化', '获取运行时语言包'],
  ['GET',    '/api/v1/menus/all',                              '菜单', '获取当前用户的导航'],
  ['GET',    '/api/v1/plugins',                                '插件管理', '查询插件列表'],
  ['GET',    '/api/v1/plugins/{id}',                           '插件管理', '查看插件详情'],
  ['GET',    '/api/v1/plugins/{id}/dependencies',              '插件管理', '检查插件依赖'],
  ['GET',    '/api/v1/plugins/{id}/releases',                  '插件管理', '查询插件版本'],
  ['GET',    '/api/v1/plugins/dynamic',                        '插件管理', '查询插件运行状态'],
  ['POST',   '/api/v1/plugins/dynamic/package',                '插件管理', '上传动态插件包'],
  ['POST',   '/api/v1/plugins/sync',                           '插件管理', '同步插件'],
  ['POST',   '/api/v1/plugins/{id}/install',                   '插件管理', '安装插件'],
  ['PUT',    '/api/v1/plugins/{id}/enable',                    '插件管理', '启用插件'],
  ['PUT',    '/api/v1/plugins/{id}/disable',                   '插件管理', '停用插件'],
  ['POST',   '/api/v1/plugins/{id}/release-quarantine',        '插件管理', '解除插件隔离'],
  ['DELETE', '/api/v1/plugins/{id}',                           '插件管理', '卸载插件'],
  ['GET',    '/api/v1/plugins/{id}/upgrade/preview',           '插件管理', '预览升级'],
  ['POST',   '/api/v1/plugins/{id}/upgrade',                   '插件管理', '升级插件'],
  ['GET',    '/api/v1/plugins/{id}/rollback/preview',          '插件管理', '预览回滚'],
  ['POST',   '/api/v1/plugins/{id}/rollback',                  '插件管理', '回滚插件'],
  ['PUT',    '/api/v1/plugins/{id}/tenant-provisioning-policy', '插件管理', '设置新租户启用策略'],
  ['GET',    '/api/v1/audit',                                  '审计', '查询审计日志'],
  ['GET',    '/api/v1/plugins/{id}/resources/{resource}',      '插件管理', '查询插件资源记录'],
];
