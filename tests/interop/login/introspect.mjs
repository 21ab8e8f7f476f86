// Asks an authorization server whether it still stands by a token. Takes its issuer and the token, and prints `true` or
// `false`.

const [issuer, token] = process.argv.slice(2);
const { introspection_endpoint } = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const answer = await fetch(introspection_endpoint, {
  method: 'POST',
  headers: { authorization: `Basic ${btoa('resource-server:the-resource-server-itself')}` },
  body: new URLSearchParams({ token }),
});
console.log((await answer.json()).active);
