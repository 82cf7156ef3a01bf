import t from 'tap';
import { capabilityOf } from '../../src/artifact/host-services.js';
import { SERVICES } from '../../src/services/index.js';
import { createTestHost } from './host.js';

t.test('every registered method is one of the catalogue', async (t) => {
  const { services, environment } = createTestHost(t);
  for (const service of SERVICES) {
    for (const method of Object.keys(service.methods(environment))) {
      t.not(capabilityOf(service.name, method), undefined, `${service.name}.${method}`);
      t.equal(services.find(service.name, method)?.placement, service.placement);
    }
  }
});

t.test('what reads no files and asks nobody is answered in the worker', async (t) => {
  t.strictSame(
    SERVICES.map(({ name, placement }) => [name, placement]),
    [
      ['bizctx', 'worker'],
      ['cache', 'host'],
      ['data', 'worker'],
      ['hostconfig', 'host'],
      ['jobs', 'host'],
      ['lock', 'worker'],
      ['manifest', 'worker'],
      ['network', 'host'],
      ['notifications', 'host'],
      ['plugins', 'host'],
      ['route', 'worker'],
      ['runtime', 'worker'],
      ['storage', 'worker'],
    ],
  );
});

t.test('every call is timed that asks the disk or another thread; of others a quick one need not be', async (t) => {
  const { services, environment } = createTestHost(t);
  const quick = SERVICES.flatMap((service) =>
    Object.keys(service.methods(environment))
      .filter((method) => services.find(service.name, method)?.mayWait === false)
      .map((method) => `${service.name}.${method}`),
  );
  t.strictSame(quick, [
    'bizctx.current.get',
    'manifest.get',
    'manifest.get_many',
    'manifest.list',
    'route.metadata.get',
    'runtime.log.write',
    'runtime.info.now',
    'runtime.info.uuid',
    'runtime.info.node',
  ]);
});

t.test('names of the prototype are no services', async (t) => {
  const { services } = createTestHost(t);
  t.equal(services.find('__proto__', 'toString'), undefined);
  t.equal(services.find('runtime', 'constructor'), undefined);
});
