// What a person's browser does in a login, without a window: takes a URL, keeps cookies, and follows redirects. With
// `follow` it goes wherever it is sent; with `stop` it prints the address on another origin that it is sent to, as a
// person would copy it who sits at another machine. Prints the last address and the status there.

const [url, how] = process.argv.slice(2);
const jar = new Map();
let at = new URL(url);
const { origin } = at;
for (let hops = 0; hops < 20; hops += 1) {
  const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
  const answer = await fetch(at, { redirect: 'manual', headers: at.origin === origin ? { cookie } : {} });
  for (const line of answer.headers.getSetCookie()) {
    const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
    if (/expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
    else jar.set(name, value);
  }
  const next = answer.headers.get('location');
  if (next === null) {
    console.log(JSON.stringify({ url: at.href, status: answer.status, page: await answer.text() }));
    process.exit(0);
  }
  at = new URL(next, at);
  if (how === 'stop' && at.origin !== origin) {
    console.log(JSON.stringify({ url: at.href, status: answer.status, page: '' }));
    process.exit(0);
  }
}
console.error(`still redirected at ${at.origin}${at.pathname}`);
process.exit(1);
