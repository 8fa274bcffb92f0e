// The page's side of the WebSocket protocol (docs/protocol.md): connects, subscribes, connects again when it must.

const SLOWEST_RETRY = 10_000;

/**
 * @param {{ token: () => string | null, onData: (data: object) => void, onState: (state: string, text: string) => void,
 *   onUnauthorised: () => void, onReady: () => void }} handlers
 * @returns {{ connect: () => void }}
 */
export function openConnection({ token, onData, onState, onUnauthorised, onReady }) {
  let failures = 0;
  let wait = null;

  const again = () => {
    const pause = wait ?? Math.min(SLOWEST_RETRY, 500 * 2 ** failures) * (0.75 + Math.random() / 2);
    failures++;
    wait = null;
    setTimeout(connect, pause);
  };

  function connect() {
    onState("connecting", failures === 0 ? "connecting" : "connecting again");
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/stream`, "eddy.v1.json");
    let heard = performance.now();
    let pingMs = 20_000;
    const beat = setInterval(() => {
      // A connection that answers nothing for three beats is gone, whatever the system says.
      if (performance.now() - heard > 3 * pingMs) socket.close();
      else if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    }, 10_000);
    const send = (message) => socket.send(JSON.stringify(message));
    socket.onopen = () => send(token() ? { type: "init", token: token() } : { type: "init" });
    socket.onmessage = ({ data }) => {
      heard = performance.now();
      const message = JSON.parse(data);
      switch (message.type) {
        case "ready":
          failures = 0;
          pingMs = message.pingMs;
          send({ type: "subscribe", id: "page", pattern: "*", mode: "latest", maxRate: 10, observed: true });
          onState("live", "live");
          onReady();
          return;
        case "data":
          onData(message);
          return;
        case "draining":
          wait = message.reconnectAfterMs;
          onState("lost", "the server is going away");
          return;
        case "error":
          onState("lost", message.message);
          return;
      }
    };
    socket.onclose = ({ code, reason }) => {
      clearInterval(beat);
      if (code === 4401) {
        onState("lost", "a token is needed");
        onUnauthorised();
        return;
      }
      onState("lost", code === 1001 ? "the server went away" : reason || "connection lost");
      again();
    };
  }

  return { connect };
}
