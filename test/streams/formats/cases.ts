// Inputs as people have them, one of each kind, and what must be read out of each. The data is our own.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { FormatOptions } from "../../../src/streams/formats/reading.ts";
import type { TextFormat } from "../../../src/streams/formats/recognise.ts";

export interface Case {
  readonly text: string | Uint8Array;
  readonly options?: Partial<FormatOptions>;
  readonly format?: TextFormat;
  /** Last value of every column of every series. */
  readonly last?: Record<string, Record<string, number | null>>;
  /** Of the newest reading; null when the input tells none. */
  readonly time?: string | null;
  readonly refused?: number;
  readonly lost?: number;
  /** What the refusal of the whole must say. */
  readonly error?: RegExp;
}

const utf16 = (text: string, big: boolean): Uint8Array => {
  const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
  return big ? bytes.swap16() : bytes;
};

export const cases: Record<string, Case> = {
  "a quoted cell over several lines, and a stray quote": {
    text: 'time,note,v\n2026-01-01,"a\nb, c",1\n2026-01-02,"plain",2\n2026-01-03,"torn,3\n2026-01-04,x,4\n2026-01-05,"three\nlines ""of""\ntext",5\n',
    last: { input: { v: 5 } },
    refused: 1,
  },
  "a heading over two lines": {
    text: '"Time","Temp\n(°C)","Hum\n(%)"\n2026-01-01 00:00,4.5,80\n2026-01-01 01:00,4.0,82\n',
    last: { input: { "Temp(°C)": 4, "Hum(%)": 82 } },
  },
  "a quote that is never closed, at the end": {
    text: 'time,v,note\n2026-01-01,1,a\n2026-01-02,2,"b\nmore words\n',
    last: { input: { v: 1 } },
    refused: 2,
  },
  "one number with a decimal comma, under a heading": {
    text: "temp\n21,5\n21,7\n22,0\n",
    last: { input: { temp: 22 } },
  },
  "one number with a decimal comma, by its fraction": {
    text: "21,05\n21,7\n22,0\n",
    last: { input: { value: 22 } },
  },
  "one number with a decimal comma, or two whole ones": {
    text: "21,5\n21,7\n22,0\n",
    error:
      /^line: expected one number, or two, got "21,5" \(--decimal comma if it is one number, --separator , if it is two\)$/,
  },
  "one number with a decimal comma, as was said": {
    text: "21,5\n21,7\n22,0\n",
    options: { decimal: "," },
    last: { input: { value: 22 } },
  },
  "two whole numbers, as was said": {
    text: "21,5\n21,7\n22,0\n",
    options: { separator: "," },
    last: { input: { column1: 22, column2: 0 } },
  },
  "decimal comma with a tab between": {
    text: "Zeit\tDruck\n01.03.2025 06:00\t1013,2\n01.03.2025 06:05\t1013,4\n",
    last: { input: { Druck: 1013.4 } },
    time: "2025-03-01T06:05:00.000Z",
  },
  "thousands with a point, fraction with a comma": {
    text: "when;kWh\n2025-03-01;1.204,5\n2025-03-02;1.310,25\n2025-03-03;980,75\n",
    last: { input: { kWh: 980.75 } },
    time: "2025-03-03T00:00:00.000Z",
  },
  "thousands with a blank": {
    text: "time;visits\n2025-03-01;12 500\n2025-03-02;13 250\n",
    last: { input: { visits: 13250 } },
  },
  "thousands with an apostrophe": {
    text: "time,chf\n2025-03-01,1'250.50\n2025-03-02,2'250.75\n",
    last: { input: { chf: 2250.75 } },
  },
  "three digits after a comma are a fraction where cells are cut by semicolons": {
    text: "time;v\n2025-03-01;21,500\n2025-03-02;22,250\n",
    last: { input: { v: 22.25 } },
  },
  "a caret between the cells": {
    text: "time^v^w\n2025-03-01T00:00:00Z^1^2\n2025-03-01T01:00:00Z^3^4\n",
    last: { input: { v: 3, w: 4 } },
  },
  "a bar fenced table with rules": {
    text: "+------------+-------+\n| date       | level |\n+------------+-------+\n| 2025-03-01 |   1.5 |\n| 2025-03-02 |   2.5 |\n+------------+-------+\n",
    last: { input: { level: 2.5 } },
    time: "2025-03-02T00:00:00.000Z",
    refused: 0,
  },
  "a preamble of sentences before the heading": {
    text: "Station export\nSerial no. AB-17\n\ntime,temp,hum\n2025-03-01 00:00,4.5,80\n2025-03-01 01:00,4.0,82\n",
    last: { input: { temp: 4, hum: 82 } },
  },
  "a commented heading, as gnuplot has it": {
    text: "# station 9\n# time level flow\n1740787200 1.5 20\n1740787260 1.6 21\n",
    last: { input: { level: 1.6, flow: 21 } },
    time: "2025-03-01T00:01:00.000Z",
  },
  "a line of units under the heading": {
    text: "time,load,temp\n,(kW),(°C)\n2025-03-01 00:00,12,3\n2025-03-01 01:00,14,4\n",
    last: { input: { load: 14, temp: 4 } },
    refused: 0,
  },
  "empty columns at the end": {
    text: "time,v,,\n2025-03-01,1,,\n2025-03-02,2,,\n",
    last: { input: { v: 2 } },
  },
  "day first, two digits of year": {
    text: "Datum;V\n28.02.25 10:00;1\n28.02.25 10:05;2\n",
    last: { input: { V: 2 } },
    time: "2025-02-28T10:05:00.000Z",
  },
  "day or month first, decided by going on past midnight": {
    text: "time,v\n03/04/2025 23:40,1\n03/04/2025 23:50,2\n04/04/2025 00:00,3\n04/04/2025 00:10,4\n04/04/2025 00:20,5\n",
    last: { input: { v: 5 } },
    time: "2025-04-04T00:20:00.000Z",
  },
  "day or month first, decided by a later line, for the earlier ones too": {
    text: "date,v\n10/9/2016,1\n30/9/2016,2\n",
    last: { input: { v: 2 } },
    time: "2016-09-30T00:00:00.000Z",
    refused: 0,
  },
  "day or month first, undecided": {
    text: "date,v\n05-06-2025,1\n06-07-2025,2\n",
    error: /05-06-2025.*--time-format/,
  },
  "names of months": {
    text: "date,v\n3 Mar 2025,1\n4 Mar 2025,2\n",
    last: { input: { v: 2 } },
    time: "2025-03-04T00:00:00.000Z",
  },
  "names of months in German, with a weekday": {
    text: "Zeit;v\nMo, 3. März 2025 10:00;1\nDi, 4. März 2025 10:00;2\n",
    last: { input: { v: 2 } },
    time: "2025-03-04T10:00:00.000Z",
  },
  "what date prints": {
    text: "Tue Mar  4 09:30:00 UTC 2025 21.5\nTue Mar  4 09:31:00 UTC 2025 22.5\n",
    last: { input: { column2: 22.5 } },
    time: "2025-03-04T09:31:00.000Z",
  },
  "a basic date and time": {
    text: "stn;time;tt\nZRH;202503040930;4.5\nZRH;202503040940;4.7\n",
    last: { ZRH: { tt: 4.7 } },
    options: { series: "stn" },
    time: "2025-03-04T09:40:00.000Z",
  },
  "AM and PM after a space and without zeros": {
    text: "Date,Time,Depth\n2025-03-04,9:15 AM,3\n2025-03-04,12:05 PM,4\n2025-03-04,1:20 PM,5\n",
    last: { input: { Depth: 5 } },
    time: "2025-03-04T13:20:00.000Z",
  },
  "a date and an hour from 0 to 23": {
    text: "date,hour,load\n2025-03-04,0,10\n2025-03-04,1,11\n2025-03-04,2,12\n",
    last: { input: { load: 12 } },
    time: "2025-03-04T02:00:00.000Z",
  },
  "year, month, day and hour": {
    text: "No,year,month,day,hour,pm\n1,2025,3,4,0,10\n2,2025,3,4,1,11\n",
    options: { values: ["pm"] },
    last: { input: { pm: 11 } },
    time: "2025-03-04T01:00:00.000Z",
  },
  "epoch milliseconds as text in JSON": {
    text: '{"timestamp":"1741080600000","v":"3,5"}\n{"timestamp":"1741080660000","v":"3,75"}\n',
    last: { input: { v: 3.75 } },
    time: "2025-03-04T09:31:00.000Z",
  },
  "a zone named in the heading": {
    text: "Time (UTC+2),v\n2025-03-04 09:00,1\n2025-03-04 10:00,2\n",
    last: { input: { v: 2 } },
    time: "2025-03-04T08:00:00.000Z",
  },
  "a zone that is told, over a change of clocks": {
    text: "time,v\n2025-03-30 01:30,1\n2025-03-30 03:30,2\n",
    options: { timeZone: "Europe/Berlin" },
    last: { input: { v: 2 } },
    time: "2025-03-30T01:30:00.000Z",
  },
  "a format that is told, with percent signs": {
    text: "t;v\n04/03/25 09h30;1\n04/03/25 09h40;2\n",
    options: { timeFormat: "%d/%m/%y %Hh%M" },
    last: { input: { v: 2 } },
    time: "2025-03-04T09:40:00.000Z",
  },
  "a time that cannot be read is no arrival": {
    text: "timestamp,v\nfirst,1\nsecond,2\n",
    error: /timestamp: .*"first".*--time-format/,
  },
  "a column of text that tells two series of one time apart": {
    text: "time,colour,v\n2025-03-04,red,1\n2025-03-04,blue,9\n2025-03-05,red,2\n2025-03-05,blue,8\n",
    error: /series: .*"colour" differs.*--series colour/,
  },
  "a long table with a station and a parameter": {
    text: "date,station_id,parameter,value\n2025-03-04,7,no2,10\n2025-03-04,8,no2,30\n2025-03-05,7,no2,11\n2025-03-05,8,no2,31\n",
    last: { "7/no2": { value: 11 }, "8/no2": { value: 31 } },
  },
  "names with a slash in two columns stay apart": {
    text: "time,host,disk,used\n2025-03-04,a/b,c,1\n2025-03-04,a,b/c,2\n",
    last: { "a\\/b/c": { used: 1 }, "a/b\\/c": { used: 2 } },
  },
  "an answer of Flux": {
    text: "#group,false,false,true,true,false,false,true\n#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string\n#default,_result,,,,,,\n,result,table,_start,_stop,_time,_value,_field\n,,0,2025-03-04T00:00:00Z,2025-03-05T00:00:00Z,2025-03-04T09:00:00Z,1.5,level\n,,0,2025-03-04T00:00:00Z,2025-03-05T00:00:00Z,2025-03-04T09:01:00Z,1.75,level\n",
    last: { level: { _value: 1.75 } },
    time: "2025-03-04T09:01:00.000Z",
  },
  "series, time and value with grouped thousands": {
    text: '"Series";"Time";"Value"\n"rx";"2025-03-04T12:00:00+11:00";1,721,992.25\n"rx";"2025-03-04T13:00:00+11:00";2,042,607.5\n',
    last: { rx: { Value: 2042607.5 } },
    time: "2025-03-04T02:00:00.000Z",
  },
  "units that change along the way": {
    text: "time,latency,used\n2025-03-04,900 ms,900 MiB\n2025-03-05,1.2 s,1.5 GiB\n",
    last: { input: { latency: 1200, used: 1536 } },
  },
  "currency before the number": {
    text: "date,price\n2025-03-04,$12.50\n2025-03-05,$13.25\n",
    last: { input: { price: 13.25 } },
  },
  "a switch as words": { text: "time,pump\n2025-03-04,ON\n2025-03-05,OFF\n", last: { input: { pump: 0 } } },
  "cells gone wrong cost themselves": {
    text: "time,a,b\n2025-03-04,1,2\n2025-03-05,err!,3\n2025-03-06,2,over\n2025-03-07,3,\n",
    last: { input: { a: 3, b: null } },
    refused: 0,
    lost: 2,
  },
  "a column that begins with words": {
    text: "time,a,b\n2025-03-04,1,warming up\n2025-03-05,2,7\n2025-03-06,3,8\n",
    last: { input: { a: 3, b: 8 } },
    lost: 1,
  },
  "a heading that comes again": {
    text: "time,a\n2025-03-04,1\ntime,a\n2025-03-05,2\n",
    last: { input: { a: 2 } },
    refused: 0,
  },
  "UTF-16, little end first": {
    text: utf16("time\tv\r\n2025-03-04\t1,5\r\n2025-03-05\t2,5\r\n", false),
    last: { input: { v: 2.5 } },
  },
  "UTF-16, big end first": {
    text: utf16("time;v\n2025-03-04;1\n2025-03-05;2\n", true),
    last: { input: { v: 2 } },
  },
  "carriage returns alone": { text: "time,v\r2025-03-04,1\r2025-03-05,2\r", last: { input: { v: 2 } } },
  "colours of a terminal": {
    text: "\u001b[2J\u001b[H\u001b[1mload 3\u001b[0m\n\u001b[2J\u001b[Hload 4\n",
    last: { load: { value: 4 } },
  },
  "JSON without lines, one after the other": {
    text: '{"ts":1741080600,"v":1}{"ts":1741080660,\n"v":2}',
    last: { input: { v: 2 } },
    time: "2025-03-04T09:31:00.000Z",
  },
  "JSON whose list of readings lies deeper": {
    text: '{\n "site": "x",\n "results": [\n  {"at": "2025-03-04T09:00:00Z", "flow": 3},\n  {"at": "2025-03-04T09:05:00Z", "flow": 4}\n ]\n}\n',
    last: { x: { flow: 4 } },
  },
  "JSON in columns": {
    text: '{"hourly":{"time":["2025-03-04T00:00","2025-03-04T01:00"],"rain":[0.5,0.75]}}',
    last: { input: { "hourly.rain": 0.75 } },
    time: "2025-03-04T01:00:00.000Z",
  },
  "pairs of time and value in JSON": {
    text: "[[1741080600000, 4.5],\n [1741080660000, 5.5]]",
    last: { input: { column2: 5.5 } },
    time: "2025-03-04T09:31:00.000Z",
  },
  "labels in JSON": {
    text: '{"time":1741080600,"labels":{"host":"a"},"cpu":1}\n{"time":1741080600,"labels":{"host":"b"},"cpu":7}\n',
    last: { a: { cpu: 1 }, b: { cpu: 7 } },
  },
  "fields that take turns": {
    text: '{"time":1741080600,"temp":20}\n{"time":1741080601,"hum":50}\n{"time":1741080602,"temp":21}\n{"time":1741080603,"hum":51}\n',
    last: { input: { temp: null, hum: 51 } },
  },
  "observations with seconds and numbers as text": {
    text: '{"time":1741080600,"value":"20.5"}\n{"time":1741080660,"value":"21.5"}\n',
    last: { input: { value: 21.5 } },
    time: "2025-03-04T09:31:00.000Z",
  },
  "pairs with a colon and a message": {
    text: 't=2025-03-04T09:00:00Z lvl=info msg="took 3 s" n=4 host=a\nt=2025-03-04T09:00:05Z lvl=warn msg="took 4 s" n=5 host=b\n',
    options: { time: "t" },
    last: { a: { n: 4 }, b: { n: 5 } },
  },
  "no heading, and fractions behind a comma": {
    text: "21,5;40,5\n21,6;41,5\n",
    last: { input: { column1: 21.6, column2: 41.5 } },
    refused: 0,
  },
  "pairs with commas between": { text: "T:21.5,H:40\nT:22.5,H:41\n", last: { input: { T: 22.5, H: 41 } } },
  "a topic that is not there for a while": {
    text: "a/t 21.5\nb/t unavailable\na/t 22.5\nb/t 3\n",
    last: { "a/t": { value: 22.5 }, "b/t": { value: 3 } },
  },
  "a microcontroller's sentences": {
    text: "Humidity: 45.50 %\tTemperature: 21.30 °C\nHumidity: 45.75 %\tTemperature: 21.40 °C\n",
    last: { input: { Humidity: 45.75, Temperature: 21.4 } },
    time: null,
  },
  "a log with a time and numbers in words": {
    text: "2025-03-04 09:00:00,125 INFO worker: queue depth 12, took 35 ms\n2025-03-04 09:00:10,250 INFO worker: queue depth 14, took 41 ms\n",
    last: { input: { "INFO worker queue depth": Number.NaN } },
    time: "2025-03-04T09:00:10.250Z",
  },
  "a ping with its times, and what it sums up at the end": {
    text: "PING ::1 (::1) 56 data bytes\n[1741080600.25] 64 bytes from ::1: icmp_seq=1 ttl=64 time=0.5 ms\n[1741080601.25] 64 bytes from ::1: icmp_seq=2 ttl=64 time=0.75 ms\n[1741080602.25] 64 bytes from ::1: icmp_seq=3 ttl=64 time=1.5 ms\n\n--- ::1 ping statistics ---\n3 packets transmitted, 3 received, 0% packet loss, time 2003ms\n",
    last: { input: { bytes: 64, icmp_seq: 3, ttl: 64, time: 1.5 } },
    time: "2025-03-04T09:30:02.250Z",
  },
  "topics with JSON": {
    text: 'home/hall {"temperature":20.5,"battery":90}\nhome/attic {"temperature":9.5,"battery":80}\nhome/hall {"temperature":21,"battery":90}\n',
    last: { "home/hall": { temperature: 21, battery: 90 }, "home/attic": { temperature: 9.5, battery: 80 } },
  },
  "a time, a name and a value": {
    text: "2025-03-04T09:00:00Z boiler 70.5\n2025-03-04T09:00:00Z tank 30.5\n2025-03-04T09:01:00Z boiler 71.5\n",
    last: { boiler: { value: 71.5 }, tank: { value: 30.5 } },
    time: "2025-03-04T09:01:00.000Z",
  },
  "names with a colon, as sensors prints them": {
    text: "Core 0:        +45.0°C  (high = +80.0°C, crit = +100.0°C)\nCore 1:        +47.0°C  (high = +80.0°C, crit = +100.0°C)\n",
    last: { "Core 0": { value: 45 }, "Core 1": { value: 47 } },
  },
  OpenTSDB: {
    text: "put sys.load 1741080600 1.5 host=a\nput sys.load 1741080600 2.5 host=b\n",
    last: { "sys.load,host=a": { value: 1.5 }, "sys.load,host=b": { value: 2.5 } },
    time: "2025-03-04T09:30:00.000Z",
  },
  "Influx lines with blanks, text and truth in them": {
    text: 'room\\ 1,unit=C t=20.5,ok=t,note="a b, c" 1741080600000000000\nroom\\ 1,unit=C t=21.5,ok=f,note="d" 1741080660000000000\n',
    last: { "room 1,unit=C": { t: 21.5, ok: 0 } },
  },
  "Prometheus with commas and braces in labels": {
    text: '# TYPE up gauge\nup{job="a,b",path="/{x}"} 1\nup{path="/{x}",job="a,b"} 0\ntemp NaN\n',
    last: { "up,job=a,b,path=/{x}": { value: 0 }, temp: { value: null } },
  },
  "StatsD: a sign changes the gauge": {
    text: "q.depth:5|g\nq.depth:+3|g\nq.depth:-1|g\nhits:2|c|@0.5|#env:x\n",
    last: { "q.depth": { value: 7 }, "hits,env=x": { value: 2 } },
  },
  "sar: a clock in front, the day in the first line": {
    text: "Linux 6.6.0 (box) \t2025-03-04 \t_x86_64_\t(4 CPU)\n\n09:00:01        CPU     %user     %idle\n09:10:01        all      3.50     96.50\n09:20:01        all      4.50     95.50\nAverage:        all      4.00     96.00\n",
    last: { all: { "%user": 4.5, "%idle": 95.5 } },
    time: "2025-03-04T09:20:01.000Z",
    refused: 0,
  },
  "free, again and again": {
    text: "               total        used        free\nMem:            1000         400         600\nSwap:            200           0         200\n\n               total        used        free\nMem:            1000         450         550\nSwap:            200          10         190\n\n",
    last: { Mem: { total: 1000, used: 450, free: 550 }, Swap: { total: 200, used: 10, free: 190 } },
    time: null,
    refused: 0,
  },
  "docker stats as a table": {
    text: "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   PIDS\n1a2b           web       0.50%     50.5MiB / 1.9GiB    12\n3c4d           db        20.50%    1.5GiB / 1.9GiB     30\n1a2b           web       0.75%     52.5MiB / 1.9GiB    12\n",
    last: {
      "1a2b/web": { "CPU %": 0.75, "MEM USAGE / LIMIT": 52.5, PIDS: 12 },
      "3c4d/db": { "CPU %": 20.5, "MEM USAGE / LIMIT": 1536, PIDS: 30 },
    },
  },
  "top: its counts and its table": {
    text: "top - 09:00:00 up 1 day,  1 user,  load average: 0.50, 0.40, 0.30\nTasks:  80 total,   2 running\n%Cpu(s):  1.5 us,  0.5 sy, 98.0 id\n\n    PID USER      %CPU  %MEM     TIME+ COMMAND\n      7 root       1.0   0.5   0:02.39 init\n      9 root       2.0   0.5   0:04.10 init\n",
    last: {
      load: { "1 min": 0.5, "5 min": 0.4, "15 min": 0.3 },
      Tasks: { total: 80, running: 2 },
      "%Cpu(s)": { us: 1.5, sy: 0.5, id: 98 },
      "7/init": { "%CPU": 1, "%MEM": 0.5 },
      "9/init": { "%CPU": 2, "%MEM": 0.5 },
    },
  },
  "vmstat with a time of two words under one heading": {
    text: "procs ---memory--- -----timestamp-----\n r  b   free                 UTC\n 1  0   5000 2025-03-04 09:00:01\n 2  0   5100 2025-03-04 09:00:02\n",
    last: { input: { r: 2, b: 0, free: 5100 } },
    time: "2025-03-04T09:00:02.000Z",
  },
  "packed by gzip": { text: gzipSync("time,v\n2025-03-04,1\n2025-03-05,2\n"), last: { input: { v: 2 } } },
  "a picture": {
    text: readFileSync("docs/page.png"),
    error: /expected text with readings in it, got a PNG picture/,
  },
  "a spreadsheet": {
    text: Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 6, 0, 8, 0, 0, 0]),
    error: /spreadsheet \(save it as CSV\)/,
  },
};
// The log's names are those of its words; only what they come to matters here.
cases["a log with a time and numbers in words"] = {
  ...cases["a log with a time and numbers in words"],
  last: { input: { "worker queue depth": 14, took: 41 } },
} as Case;
