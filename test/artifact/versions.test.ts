import t from 'tap';
import { compareVersions, isRange, isVersion, satisfies } from '../../src/artifact/versions.js';

t.test('C4 versions have three numbers, maybe a v in front and a pre-release behind', async (t) => {
  for (const version of ['1.2.3', 'v0.1.0', '1.0.0-rc.1', ' 1.2.3 ', '01.2.3', '1.2.3--'])
    t.ok(isVersion(version), version);
});

t.test('C5 everything else is no version', async (t) => {
  for (const text of ['1.2', '1.2.3+b', 'V1.2.3', '', '1.2.3.4', 'v 1.2.3', '1.2.3-', '-1.2.3', '١.٢.٣', '1.2.3\n4']) {
    t.notOk(isVersion(text), text);
  }
});

t.test('C6 a leading v and the pre-release do not count in a comparison', async (t) => {
  t.equal(compareVersions('1.0.0-alpha', 'v1.0.0'), 0);
});

t.test('versions are compared as numbers', async (t) => {
  t.equal(compareVersions('1.9.0', '1.10.0'), -1);
  t.equal(compareVersions('v2.0.0', '1.99.99'), 1);
  t.equal(compareVersions('1.0.9007199254740993', '1.0.9007199254740992'), 1, 'numbers of any size');
  t.equal(compareVersions('1.09.0', '1.9.00'), 0);
  t.equal(compareVersions('0.0.1', '0.0.0'), 1);
  t.equal(compareVersions('1.0', '1.0.0'), undefined);
});

t.test('C7 C15 a version lies in a range when every term holds', async (t) => {
  t.ok(satisfies('0.9.9', '>=0.1.0 <1.0.0'));
  t.notOk(satisfies('1.0.0-rc1', '>=0.1.0 <1.0.0'));
});

const RANGES: readonly (readonly [range: string, inside: string, outside: string])[] = [
  ['1.2.3', 'v1.2.3', '1.2.4'],
  ['=v1.2.3', '1.2.3', '1.2.2'],
  ['>1.2.3', '1.2.4', '1.2.3'],
  ['<=1.2.3', '1.2.3', '1.2.4'],
  ['<1.2.3', '1.2.2', '1.2.3-rc'],
  [' >=1.0.0\t\n<2.0.0 ', '1.5.0', '2.0.0'],
];

for (const [range, inside, outside] of RANGES) {
  t.test(`range ${JSON.stringify(range)} holds ${inside} and not ${outside}`, async (t) => {
    t.ok(satisfies(inside, range));
    t.notOk(satisfies(outside, range));
  });
}

t.test('C8 C9 no other form is a range', async (t) => {
  for (const text of [
    '>= v0.1.0',
    '0.1',
    '',
    ' ',
    '^1.0.0',
    '~1.0.0',
    '1.0.0 || 2.0.0',
    '1.x.0',
    '==1.0.0',
    '>=1.0.0,<2.0.0',
  ]) {
    t.notOk(isRange(text), text);
    t.notOk(satisfies('1.0.0', text), text);
  }
});
