import { describe, expect, test } from "vitest";
import { LogHeader } from "../../../src/streams/logs/header.ts";

const read = (line: string) => {
  const header = new LogHeader();
  header.read(line);
  const { time, level, host, component, message } = header;
  return [time, level ?? "", host, component, message];
};

describe("what a line says before its message", () => {
  test.each([
    // syslog, old and new
    [
      "Nov  3 07:01:09 web-2 sshd[211]: Accepted key for ann",
      ["Nov  3 07:01:09", "", "web-2", "sshd", "Accepted key for ann"],
    ],
    [
      "Nov 13 07:01:09 web2 kernel: [  12.5] usb 1-1: reset",
      ["Nov 13 07:01:09", "", "web2", "kernel", "[  12.5] usb 1-1: reset"],
    ],
    [
      "Nov 13 07:01:09 web2 last message repeated 3 times",
      ["Nov 13 07:01:09", "", "web2", "", "last message repeated 3 times"],
    ],
    [
      "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
      ["Oct 11 22:14:15", "fatal", "mymachine", "su", "'su root' failed"],
    ],
    [
      "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 - An application event",
      ["2003-10-11T22:14:15.003Z", "notice", "mymachine.example.com", "evntslog", "An application event"],
    ],
    [
      "2025-11-25T07:01:09.123456+01:00 web2 systemd[1]: Started Daily cleanup.",
      ["2025-11-25T07:01:09.123456+01:00", "", "web2", "systemd", "Started Daily cleanup."],
    ],
    // applications
    [
      "2025-11-25 16:00:01,123 INFO com.shop.Cart - added 3 items",
      ["2025-11-25 16:00:01,123", "info", "", "com.shop.Cart", "added 3 items"],
    ],
    [
      "2025-11-25 16:00:01.123 [pool-1-thread-4] WARN  c.s.Cart - slow",
      ["2025-11-25 16:00:01.123", "warning", "", "c.s.Cart", "slow"],
    ],
    [
      "2025-11-25 16:00:01.123  INFO 4242 --- [nio-8080-exec-1] c.shop.web.CartController       : added 3 items",
      ["2025-11-25 16:00:01.123", "info", "", "c.shop.web.CartController", "added 3 items"],
    ],
    [
      "2025-11-25 16:00:01,123 - shop.cart - ERROR - cannot add",
      ["2025-11-25 16:00:01,123", "error", "", "shop.cart", "cannot add"],
    ],
    ["2025-11-25T16:00:01Z INFO added 3 items", ["2025-11-25T16:00:01Z", "info", "", "", "added 3 items"]],
    [
      "[2025-11-25T16:00:01Z INFO  my_crate::net] listening",
      ["2025-11-25T16:00:01Z", "info", "", "", "my_crate::net] listening"],
    ],
    [
      '2025/11/25 16:00:01 [error] 31#31: *7 open() "/srv/x" failed (2: No such file)',
      ["2025/11/25 16:00:01", "error", "", "", '*7 open() "/srv/x" failed (2: No such file)'],
    ],
    ["2025/11/25 16:00:01 listening on :8080", ["2025/11/25 16:00:01", "", "", "", "listening on :8080"]],
    [
      "2025-11-25 16:00:01.123 UTC [1234] LOG:  checkpoint starting: time",
      ["2025-11-25 16:00:01.123 UTC", "info", "", "", "checkpoint starting: time"],
    ],
    [
      "2025-11-25T16:00:01.123456Z 0 [Warning] [MY-010068] [Server] CA certificate is self signed.",
      ["2025-11-25T16:00:01.123456Z", "warning", "", "MY-010068", "CA certificate is self signed."],
    ],
    [
      "I1125 16:00:01.123456   12345 controller.go:116] Starting worker 3",
      ["1125 16:00:01.123456", "info", "", "controller.go", "Starting worker 3"],
    ],
    ["ERROR:root:cannot connect", ["", "error", "", "root", "cannot connect"]],
    ["[INFO] Building shop 1.2", ["", "info", "", "", "Building shop 1.2"]],
    ["web-1  | 2025-11-25 16:00:01 INFO ready", ["2025-11-25 16:00:01", "info", "web-1", "", "ready"]],
    [
      "2025-11-25T16:00:01.123456789Z stdout F WARN disk is nearly full",
      ["2025-11-25T16:00:01.123456789Z", "warning", "", "", "disk is nearly full"],
    ],
    ["[ 1234.567890] usb 1-1: new device", ["1234.567890", "", "", "", "usb 1-1: new device"]],
    [
      "1:M 25 Nov 2025 16:00:01.123 * Ready to accept connections",
      ["25 Nov 2025 16:00:01.123", "", "", "", "* Ready to accept connections"],
    ],
    // devices, clusters, proxies
    [
      "11-25 16:13:38.811  1702  2395 D PowerManager: acquire lock",
      ["11-25 16:13:38.811", "debug", "", "PowerManager", "acquire lock"],
    ],
    [
      "11-25 16:13:38.811  1702  2395 I art: collected",
      ["11-25 16:13:38.811", "info", "", "art", "collected"],
    ],
    [
      "- 1117838570 2005.06.03 R02-M1-N0 2005-06-03-15.42.50.363779 R02-M1-N0 RAS KERNEL INFO parity error corrected",
      ["2005-06-03-15.42.50.363779", "info", "R02-M1-N0", "RAS", "parity error corrected"],
    ],
    [
      "[11.25 16:49:06] mail.exe *64 - imap.example.org:993 open",
      ["11.25 16:49:06", "", "", "mail.exe *64", "imap.example.org:993 open"],
    ],
    [
      "20251125-22:15:29:606|Steps|30002312|changed 3579",
      ["20251125-22:15:29:606", "", "", "Steps", "changed 3579"],
    ],
    [
      "25/11/09 20:10:40 INFO executor.Backend: Registered handlers",
      ["25/11/09 20:10:40", "info", "", "executor.Backend", "Registered handlers"],
    ],
    [
      "2025-11-25 04:30:30, Info                  CBS    Loaded stack",
      ["2025-11-25 04:30:30", "info", "", "CBS", "Loaded stack"],
    ],
    [
      "2025-11-25 17:41:44,747 - INFO  [Peer[myid=1]/0:0:0:0:0:0:0:0:2181:Election@774] - Notification time out: 3200",
      [
        "2025-11-25 17:41:44,747",
        "info",
        "",
        "Peer[myid=1]/0:0:0:0:0:0:0:0:2181:Election@774",
        "Notification time out: 3200",
      ],
    ],
    [
      "134681 node-24 unix.hw state.off 1077804742 1 Component is off",
      ["1077804742", "", "", "", "Component is off"],
    ],
    [
      'nova-api.log.1 2025-05-16 00:00:00.008 25746 INFO nova.compute.api [req-1 a b - - -] 10.1.1.1 "GET /v2" status: 200',
      ["2025-05-16 00:00:00.008", "info", "", "nova.compute.api", '10.1.1.1 "GET /v2" status: 200'],
    ],
    [
      "2025-11-25 18:01:47,978 INFO [main] org.apache.app.Master: Created Master for app_1",
      ["2025-11-25 18:01:47,978", "info", "", "org.apache.app.Master", "Created Master for app_1"],
    ],
    // A cluster: a label, an epoch, a date and a node before the line of syslog.
    [
      "- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond(pam_unix)[2915]: session closed for user root",
      ["Nov 9 12:01:01", "", "dn228/dn228", "crond(pam_unix)", "session closed for user root"],
    ],
    [
      "- 1118765360 2005.06.14 R04-M0 2005-06-14-09.09.20.459609 R04-M0 RAS APP FATAL ciod: failed to read",
      ["2005-06-14-09.09.20.459609", "fatal", "R04-M0", "RAS", "ciod: failed to read"],
    ],
    // web servers
    [
      '10.0.0.9 - ann [25/Nov/2025:13:55:36 +0000] "GET /a?b=c HTTP/1.1" 503 2326 "-" "curl/8"',
      ["25/Nov/2025:13:55:36 +0000", "error", "", "10.0.0.9", '"GET /a?b=c HTTP/1.1" \ue000503 2326'],
    ],
    // no header at all: nothing of a sentence is taken away
    ["Error opening the door", ["", "", "", "", "Error opening the door"]],
    [
      "connection from 1.2.3.4 at Fri Jun 17 07:07:00 2005",
      ["", "", "", "", "connection from 1.2.3.4 at Fri Jun 17 07:07:00 2005"],
    ],
    [
      "2025-11-25 10:00:00 Connection ERROR was seen",
      ["2025-11-25 10:00:00", "", "", "", "Connection ERROR was seen"],
    ],
    ["2025-11-25 10:00:00 42 users logged in", ["2025-11-25 10:00:00", "", "", "", "42 users logged in"]],
  ])("%s", (line, expected) => {
    expect(read(line)).toEqual(expected);
  });
});
