import t from 'tap';
import { Value } from 'typebox/value';
import {
  CONFIG_SCHEMA,
  defaults,
  editorSchema,
  isSecretPath,
  SECRET_PATHS,
  SETTINGS,
} from '../../src/config/schema.js';

t.test('every setting has a sentence, and a range when it is a number', async (t) => {
  for (const { path, schema } of SETTINGS) {
    t.match(schema.description, /^[A-Z].*\.$/, path);
    if (schema.type === 'integer') t.ok(schema.minimum !== undefined && schema.maximum !== undefined, path);
  }
});

t.test('the defaults fit the schema', async (t) => {
  t.ok(Value.Check(CONFIG_SCHEMA, defaults));
});

t.test('the unit of a setting is the end of its name', async (t) => {
  const endings: Record<string, RegExp> = {
    ms: /Ms$/,
    bytes: /Bytes$/,
    MiB: /MiB$/,
    seconds: /Seconds$/,
    threads: /Threads$/,
  };
  for (const { path, schema } of SETTINGS) {
    const ending = endings[schema.unit ?? ''];
    if (ending) t.match(path, ending);
  }
});

t.test('the signing key is a secret, and so is what looks like one in a plugin’s section', async (t) => {
  t.same(SECRET_PATHS, ['network.proxy', 'auth.secret']);
  t.ok(isSecretPath('auth.secret'));
  t.ok(isSecretPath('plugin.mailer.smtp.password'));
  t.ok(isSecretPath('plugin.mailer.apiKey'));
  t.notOk(isSecretPath('plugin.api-key-demo'));
  t.notOk(isSecretPath('auth.accessTokenTtlSeconds'));
});

t.test('the schema for editors asks for no setting and knows every one', async (t) => {
  const schema = JSON.parse(JSON.stringify(editorSchema()));
  t.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  t.ok(Value.Check(schema, {}));
  t.ok(Value.Check(schema, { server: { port: 1 }, plugin: { 'my-plugin': { any: 1 } } }));
  t.notOk(Value.Check(schema, { server: { prt: 1 } }));
  t.notOk(Value.Check(schema, { plugin: { My_Plugin: {} } }));
  t.notOk(Value.Check(schema, { plugin: { autoEnable: [{}] } }), 'an entry still needs its id');
});
