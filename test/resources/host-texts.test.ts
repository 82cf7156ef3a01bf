import t from 'tap';
import { hostTexts } from '../../src/resources/host-texts.js';

t.test('failures are said in English and Chinese, with the same facts', async (t) => {
  const { 'en-US': english, 'zh-CN': chinese } = hostTexts();
  t.equal(english?.texts.get('error.plugin.not.found'), 'plugin {pluginId} does not exist');
  t.equal(chinese?.texts.get('error.plugin.not.found'), '插件 {pluginId} 不存在');
  const factsIn = (text = '') => [...text.matchAll(/\{\w+\}/g)].map(([fact]) => fact).sort();
  for (const [key, text] of chinese?.texts ?? []) {
    t.same(factsIn(text), factsIn(english?.texts.get(key)), key);
  }
});

t.test("the documentation of the host's own endpoints is there in Chinese", async (t) => {
  const docs = hostTexts()['zh-CN']?.docs;
  t.equal(docs?.get('core.paths.api.v1.plugins.id.enable.put.meta.summary'), '启用插件');
  for (const [key, text] of docs ?? []) t.ok(key.startsWith('core.') && text !== '', key);
});
