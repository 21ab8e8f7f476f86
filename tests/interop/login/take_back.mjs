// Takes a token back at an authorization server. Takes its issuer, the token and the client that it was given to, and
// prints the status.

const [issuer, token, client_id] = process.argv.slice(2);
const { revocation_endpoint } = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const answer = await fetch(revocation_endpoint, { method: 'POST', body: new URLSearchParams({ token, client_id }) });
console.log(answer.status);
