import type { FastifyRequest } from 'fastify';
import t from 'tap';
import { createPluginSpeech } from '../../src/http/plugin-texts.js';

t.test('a plugin is named in the language of the reader, or as its manifest says', async (t) => {
  const known = new Map([
    ['zh-CN plugin.p.name', '皮'],
    ['en-US plugin.p.name', 'Pee'],
  ]);
  const speech = createPluginSpeech(
    { translate: (locale, key) => known.get(`${locale} ${key}`) },
    { default: 'en-US', supported: ['en-US', 'zh-CN'] },
  );
  const item = { id: 'p', name: 'P', description: 'As written', installed: 1 };
  const ask = (query: object, headers: object = {}) => speech({ query, headers } as FastifyRequest)(item);
  t.same(ask({ lang: 'zh-CN' }), { id: 'p', name: '皮', description: 'As written', installed: 1 });
  t.equal(ask({}, { 'accept-language': 'zh-CN' }).name, '皮');
  t.equal(ask({}).name, 'Pee');
  t.equal(ask({ lang: ['zh-CN'] }).name, 'Pee');
  t.equal(speech({ query: {}, headers: {} } as FastifyRequest)({ ...item, id: 'q' }).name, 'P');
});
