import test from 'ava';
import { isFault } from '../../src/core/index.ts';
import { parseHostsFile, parseHostWords } from '../../src/provision/index.ts';

const FINGERPRINT = `SHA256:${'a'.repeat(43)}`;

function mistakes(text: string): string {
  try {
    parseHostsFile(text, 'hosts', 'me');
  } catch (error) {
    if (isFault(error, 'HOSTS_INVALID')) return String(error.parameters.problems);
    throw error;
  }
  return 'no mistake';
}

test('the three forms give the same hosts', (t) => {
  const yaml = parseHostsFile(
    'hosts:\n  - vm1\n  - {host: vm2, user: you, port: 2222}\n',
    'h',
    'me',
  );
  const plain = parseHostsFile('# two\nvm1\n\n  you@vm2:2222   # the second\n', 'h', 'me');
  const words = parseHostWords('vm1, you@vm2:2222', 'me');
  t.deepEqual(plain, yaml);
  t.deepEqual(words, yaml);
  t.deepEqual(yaml.hosts[0], {
    name: 'vm1',
    host: 'vm1',
    port: 22,
    user: 'me',
    identity: null,
    fingerprint: null,
    bind: null,
    nodePort: 7070,
    advertise: null,
    dir: '~/.rainstorm-node',
  });
  t.is(yaml.hosts[1].name, 'vm2:2222');
});

test('defaults hold for all hosts and give way to their own keys', (t) => {
  const text = `user: deploy
port: 2200
identity: ~/key
nodePort: 9000
dir: /srv/rain
keyFile: c.key
hosts:
  - { name: a, host: 10.0.0.1, bind: 10.0.0.1, fingerprint: '${FINGERPRINT}=' }
  - root@10.0.0.2:22 name=b node-port=1 advertise=x.example:7070
`;
  const { hosts, keyFile } = parseHostsFile(text, 'h', 'me');
  t.is(keyFile, 'c.key');
  const [a, b] = hosts;
  t.like(a, { name: 'a', user: 'deploy', port: 2200, identity: '~/key', nodePort: 9000 });
  t.like(a, { dir: '/srv/rain', bind: '10.0.0.1', fingerprint: FINGERPRINT });
  t.like(b, { name: 'b', user: 'root', port: 22, nodePort: 1, advertise: 'x.example:7070' });
});

test('an IPv6 address is written bare, or in brackets with a port', (t) => {
  const { hosts } = parseHostsFile('[fe80::1]:2222\nhost6@[::1]\n', 'h', 'me');
  t.like(hosts[0], { host: 'fe80::1', port: 2222 });
  t.like(hosts[1], { host: '::1', port: 22, user: 'host6' });
});

test('every mistake of a hosts file is told with its line and its key', (t) => {
  const text = `hosts:
  - { host: vm1, usr: x }
  - { host: vm2, port: 0 }
  - { name: nobody }
  - vm1
  - { host: vm1, dir: / }
  - 7
  - vm5 port=many
  - vm5 sixty
  - vm1
`;
  const told = mistakes(text);
  for (const part of [
    "hosts:2: hosts[0].usr is not a known key; did you mean 'user'?",
    'hosts:3: hosts[1].port must be a port from 1 to 65535, got the number 0',
    'hosts:4: hosts[2].host is missing; it must be the name or the IP address of a machine',
    'hosts:6: hosts[4].dir must be a directory of its own',
    'hosts:7: hosts[5] must be a map of keys, got the number 7',
    "hosts:8: hosts[6].port must be a port from 1 to 65535, got 'many'",
    "hosts:9: 'sixty' is not of the form key=value",
    'hosts:10: there are two hosts named vm1, first in line 5',
  ]) {
    t.true(told.includes(part), `${part}\nis not in ${told}`);
  }
});

test('a hosts file without hosts, or one that is not YAML, is refused', (t) => {
  t.regex(mistakes('# nobody\n'), /there is no host in it/);
  t.regex(mistakes('hosts: []\n'), /hosts must be a list of 1 to 256 hosts, got an empty list/);
  t.regex(mistakes('user: me\n'), /hosts is missing/);
  t.regex(mistakes('hosts:\n\t- a\n'), /hosts:2: .*tab/);
  t.regex(mistakes('hosts: [a]\nhots: [b]\n'), /hosts:2: hots is not a known key/);
  t.regex(mistakes('hosts: [a]\nuser: [b]\n'), /hosts:2: user must be the name of a user/);
});

test('a name that a shell or ssh could take for something else is no host', (t) => {
  for (const name of ['-oProxyCommand=x', 'a b', 'a;b', '$(id)', 'a/b', "a'b", '']) {
    t.not(mistakes(`hosts:\n  - { host: ${JSON.stringify(name)} }\n`), 'no mistake', name);
  }
});

test('a directory that down --clean could harm is refused', (t) => {
  for (const dir of ['/', '~', '~/', '.', '..', '/srv/../etc', '~root/x', '~/..', './.']) {
    t.regex(mistakes(`hosts:\n  - { host: a, dir: "${dir}" }\n`), /a directory of its own/, dir);
  }
  t.is(mistakes('hosts:\n  - { host: a, dir: "~/x/y" }\n'), 'no mistake');
});
