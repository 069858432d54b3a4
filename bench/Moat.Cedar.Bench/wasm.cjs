// The same requests as Program.cs, decided by @cedar-policy/cedar-wasm: policies on stdin, prints JSON. The policies are parsed
// beforehand and only the entities of the request are handed over, which is the fastest way that the package offers.
const { createRequire } = require('node:module');
const path = require('node:path');
const fs = require('node:fs');

const cedar = createRequire(path.join(path.resolve(process.argv[2]), 'x.cjs'))('@cedar-policy/cedar-wasm/nodejs');
const policies = fs.readFileSync(0, 'utf8');
const count = policies.split('\n').filter(line => line.trim()).length;
const parsed = cedar.preparsePolicySet('bench', { staticPolicies: policies });
if (parsed.type !== 'success') throw new Error(JSON.stringify(parsed));

const uid = (type, id) => ({ type, id });
const calls = Array.from({ length: 64 }, (_, i) => i * 7919 % count).map(host => ({
  principal: uid('Agent', 'coder'),
  action: uid('Action', 'HttpRequest'),
  resource: uid('Host', `api.host${host}.example`),
  context: { method: host % 3 === 0 ? 'GET' : 'POST', path: `/repos/${host}/issues`, size: 1200, ip: { __extn: { fn: 'ip', arg: '93.184.216.34' } } },
  preparsedPolicySetId: 'bench',
  entities: [
    { uid: uid('Run', 'r1'), attrs: {}, parents: [] },
    { uid: uid('Agent', 'coder'), attrs: { trusted: false }, parents: [uid('Run', 'r1')] },
    { uid: uid('DnsZone', `host${host}.example`), attrs: {}, parents: [uid('DnsZone', 'example')] },
    { uid: uid('Host', `api.host${host}.example`), attrs: {}, parents: [uid('DnsZone', `host${host}.example`)] },
  ],
}));

const times = [];
let allowed = 0;
for (let i = 0; i < 2200; i++) {
  const begin = process.hrtime.bigint();
  const answer = cedar.statefulIsAuthorized(calls[i % calls.length]);
  const took = Number(process.hrtime.bigint() - begin) / 1000;
  if (i < 200) continue;
  times.push(took);
  if (answer.response.decision === 'allow') allowed++;
}

times.sort((a, b) => a - b);
console.log(JSON.stringify({ policies: count, 'p50 us': times[times.length >> 1], 'share allowed': allowed / times.length }));
