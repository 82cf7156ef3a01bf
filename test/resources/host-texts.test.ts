import t from 'tap';
import { hostTexts } from '../../src/resources/host-texts.js';

t.test("the documentation of the host's own endpoints is there in Chinese", async (t) => {
  const docs = hostTexts()['zh-CN']?.docs;
  t.equal(docs?.get('core.paths.api.v1.plugins.id.enable.put.meta.summary'), '启用插件');
  for (const [key, text] of docs ?? []) t.ok(key.startsWith('core.') && text !== '', key);
});
