"""Writes `set.jsonl`: texts with made-up personal data, and what of them it is, for tests/it/pii.

  python3 tests/pii/generate.py > tests/pii/set.jsonl

The rules of what counts are those of docs/redaction.md. The same seed gives the same bytes. In a template `{email}` and the
like is a value and becomes a span with a type, `{~uuid}` and the like only looks like one.
"""
import json
import random
import re
import sys

R = random.Random(20260914)
pick = R.choice


def digits(n, first="0123456789"):
    return pick(first) + "".join(pick("0123456789") for _ in range(n - 1))


def hexes(n):
    return "".join(pick("0123456789abcdef") for _ in range(n))


NAMES = "Ada Bruno Chiara Dmitri Esra Farid Greta Hugo Ines Jonas Keiko Liam Mirela Nadia Oskar Priya Quentin Rosa Sven Tove Uma Viktor Wanda Ximena Yusuf Zoe".split()
LAST = "Abara Bianchi Castillo Dvorak Eriksen Fontaine Gupta Hoffmann Ivanov Jansen Kowalski Lindqvist Moreau Nakamura Okafor Petrov Quiroga Rossi Silva Tanaka Usman Vogel Weiss Xu Yilmaz Zhang".split()
HOSTS = "acme-widgets.com northwind.org fjordline.no contoso.co.nz initech.dev globex.io hooli.xyz piedpiper.net umbrella.health stark.industries tyrell.com.mx wayne.foundation 163.com gmx.de web.de libero.it orange.fr yandex.ru uol.com.br naver.com".split()


def name():
    return pick(NAMES), pick(LAST)


def email():
    first, last = (x.lower() for x in name())
    host = pick(HOSTS)
    return pick([
        f"{first}.{last}@{host}", f"{first[0]}{last}@{host}", f"{first}_{last}{R.randint(1, 99)}@{host}", f"{last}-{first}@mail.{host}",
        f"{first}+{pick(['shop', 'git', '2fa', 'no.reply'])}@{host}", f"{first.upper()}.{last.upper()}@{host.upper()}", f"{first}@{host}",
        f"d'{last}@{host}", f"bounces+{digits(5)}-{first}={last}.org@em.{host}", f"{digits(8, '123456789')}@{host}", f"{first}@{pick(['bücher.example.de', 'straße.at', 'кафе.рф', 'xn--bcher-kva.example.ch'])}",
        f"{pick(['søren', 'zoë', 'андрей', 'günther'])}@{host}", f'"{first} {last}"@{host}', f"{first}~{last}@{host}", f"info@{host}", f"x@{pick(['a1.co', 'qq.io', 'b.email'])}",
    ])


def area():
    while True:
        code = digits(3, "23456789")
        if code[1:] != "11":
            return code


def national():
    return area(), digits(3, "23456789"), digits(4)


def phone():
    a, b, c = national()
    body = pick([
        f"{a}-{b}-{c}", f"({a}) {b}-{c}", f"({a}){b}-{c}", f"{a}.{b}.{c}", f"+1{a}{b}{c}", f"+1 {a} {b} {c}", f"+1-{a}-{b}-{c}", f"+1 ({a}) {b}-{c}", f"1-{a}-{b}-{c}",
        f"1.{a}.{b}.{c}", f"+1.{a}.{b}.{c}", f"{a}\u2011{b}\u2011{c}", f"{a}\u00a0{b}-{c}", f"{a} {b}-{c}", f"({a}) {b} {c}", f"{a}/{b}-{c}", f"+1 {a}-{b}-{c}", f"{a} - {b} - {c}",
    ])
    if R.random() < 0.12:
        body += pick([" x", " ext. ", " ext ", "x", ", ext. ", " extension "]) + digits(R.randint(2, 5), "123456789")
    return body


def phone_bare():
    a, b, c = national()
    return pick([f"{a}{b}{c}", f"1{a}{b}{c}"])


def phone_blanks():
    return " ".join(national())


def ssn_parts():
    while True:
        a = digits(3, "012345678")
        if a not in ("000", "666"):
            break
    return a, f"{R.randint(1, 99):02}", f"{R.randint(1, 9999):04}"


def ssn():
    return "-".join(ssn_parts())


def ssn_blanks():
    return " ".join(ssn_parts())


def ssn_bare():
    return "".join(ssn_parts())


def luhn(body):
    total = 0
    for i, d in enumerate(reversed(body)):
        v = int(d) * (2 if i % 2 == 0 else 1)
        total += v // 10 + v % 10
    return body + str(-total % 10)


def card_digits():
    prefix, n = pick([("4", 16), ("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("6011", 16), ("644", 16), ("65", 16), ("3528", 16), ("3589", 16), ("36", 14), ("38", 14), ("62", 16), ("62", 19), ("4", 19), ("4", 13)])
    return luhn(prefix + "".join(pick("0123456789") for _ in range(n - 1 - len(prefix))))


def card():
    d = card_digits()
    if len(d) == 13:
        return d
    sep = pick(["", "", " ", "-"])
    if len(d) in (14, 15):
        return sep.join([d[:4], d[4:10], d[10:]])
    return sep.join(d[i:i + 4] for i in range(0, len(d), 4))


def card16():
    while True:
        d = card_digits()
        if len(d) == 16:
            return d


def v4():
    return pick([f"10.{R.randint(0, 255)}.{R.randint(0, 255)}.{R.randint(1, 254)}", f"172.{R.randint(16, 31)}.{R.randint(0, 255)}.{R.randint(1, 254)}", f"192.168.{R.randint(0, 255)}.{R.randint(1, 254)}",
                 f"{R.randint(11, 126)}.{R.randint(1, 254)}.{R.randint(0, 255)}.{R.randint(1, 254)}", f"{R.randint(128, 223)}.{R.randint(1, 254)}.{R.randint(0, 255)}.{R.randint(1, 254)}"])


def v6():
    g = lambda: f"{R.randint(1, 65535):x}"
    text = pick([f"2001:db8:{g()}::{g()}", f"2a02:{g()}:{g()}:{g()}:{g()}:{g()}:{g()}:{g()}", f"fe80::{g()}:{hexes(2)}ff:fe{hexes(2)}:{g()}", f"fd{hexes(2)}:{g()}::{g()}:{g()}", f"2606:4700::{g()}", f"::ffff:{v4()}", f"64:ff9b::{v4()}",
                 f"2a00:1450:4001:{g()}::200e", f"2607:f8b0:{g()}:{g()}::{g()}", "2001:0db8:0000:0000:0000:ff00:0042:" + f"{R.randint(0, 65535):04x}", f"{g()}:{g()}:{g()}:{g()}:{g()}:{g()}:{g()}:{g()}"])
    return text.upper() if R.random() < 0.15 else text


def ip():
    return v4() if R.random() < 0.7 else v6()


VALUES = {"email": ("EMAIL", email), "phone": ("PHONE", phone), "phone_bare": ("PHONE", phone_bare), "phone_blanks": ("PHONE", phone_blanks), "ssn": ("SSN", ssn), "ssn_blanks": ("SSN", ssn_blanks),
          "ssn_bare": ("SSN", ssn_bare), "card": ("CREDIT_CARD", card), "card16": ("CREDIT_CARD", card16), "ip": ("IP", ip), "v4": ("IP", v4), "v6": ("IP", v6)}


def bad_luhn():
    d = card16()
    d = d[:-1] + str((int(d[-1]) + R.randint(1, 9)) % 10)
    return pick([d, " ".join(d[i:i + 4] for i in range(0, 16, 4))])


def ean():
    body = pick(["40", "50", "87", "30", "76", "978"])
    body += digits(12 - len(body))
    return body + str(-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body)) % 10)


def version4():
    return ".".join(str(R.randint(0, 40)) for _ in range(4))


LOOK = {
    "uuid": lambda: "-".join([hexes(8), hexes(4), "4" + hexes(3), "a" + hexes(3), hexes(12)]),
    "sha": lambda: hexes(pick([7, 40, 64])), "v4dotted": version4, "ver": lambda: f"{R.randint(0, 20)}.{R.randint(0, 40)}.{R.randint(0, 99)}{pick(['', '-rc.1', '+deb12u1', '-beta.3'])}",
    "date": lambda: pick([f"20{R.randint(10, 29)}-{R.randint(1, 12):02}-{R.randint(1, 28):02}", f"{R.randint(1, 28):02}/{R.randint(1, 12):02}/20{R.randint(10, 29)}", f"{R.randint(1, 28)}.{R.randint(1, 12)}.20{R.randint(10, 29)}"]),
    "ts": lambda: f"20{R.randint(10, 29)}-0{R.randint(1, 9)}-{R.randint(10, 28)}T{R.randint(10, 23)}:{R.randint(10, 59)}:{R.randint(10, 59)}.{digits(3)}Z", "time": lambda: f"{R.randint(10, 23)}:{R.randint(10, 59)}:{R.randint(10, 59)}",
    "epoch": lambda: "1" + digits(9), "epochms": lambda: "17" + digits(11), "id9": lambda: digits(9, "123456789"), "id10": lambda: digits(10, "23456789"), "id12": lambda: digits(12, "123456789"),
    "badcard": bad_luhn, "ean": ean, "mac": lambda: pick([":", "-"]).join(hexes(2) for _ in range(6)), "eui64": lambda: ":".join(hexes(2) for _ in range(8)), "zip4": lambda: f"{digits(5)}-{digits(4)}",
    "ein": lambda: f"{digits(2)}-{digits(7)}", "money": lambda: pick(["$", "€", "£"]) + f"{R.randint(1, 9999):,}.{R.randint(0, 99):02}", "coord": lambda: f"{R.uniform(-90, 90):.7f}, {R.uniform(-180, 180):.7f}",
    "badssn": lambda: pick(["000", "666", "9" + digits(2)]) + "-" + digits(2, "123456789") + "-" + digits(4, "123456789"), "handle": lambda: "@" + pick(NAMES).lower() + digits(2), "imei": lambda: luhn("35" + digits(12)),
    "iban": lambda: pick(["DE", "GB", "FR"]) + digits(2) + " " + " ".join(digits(4) for _ in range(4)) + " " + digits(2), "git": lambda: f"git@{pick(['github.com', 'gitlab.example.org', 'ssh.dev.azure.com'])}:{pick(LAST).lower()}/{pick(NAMES).lower()}.git",
    "npm": lambda: f"{pick(['express', '@scope/ui', 'left-pad', 'esbuild'])}@{R.randint(0, 30)}.{R.randint(0, 30)}.{R.randint(0, 30)}", "action": lambda: f"actions/{pick(['cache', 'upload-artifact'])}@v{R.randint(1, 5)}",
    "retina": lambda: f"{pick(['bg', 'icon-home', 'avatar'])}@{R.randint(2, 3)}x.{pick(['png', 'jpeg', 'webp', 'avif'])}", "url_user": lambda: f"{pick(['postgres', 'mysql', 'redis', 'amqps'])}://{pick(NAMES).lower()}:{hexes(8)}@db.{pick(HOSTS)}:5432/app",
    "badip": lambda: f"{R.randint(256, 999)}.{R.randint(0, 255)}.{R.randint(0, 255)}.{R.randint(256, 999)}", "oid": lambda: f"1.3.6.1.4.1.{R.randint(1000, 40000)}.{R.randint(1, 9)}.{R.randint(1, 9)}", "name": lambda: " ".join(name()),
    "int": lambda: str(R.randint(0, 99999)), "port": lambda: str(R.randint(1024, 65535)), "part": lambda: f"{pick(['AB', 'Q', 'ZX'])}-{digits(3)}-{digits(3)}-{digits(4)}", "float": lambda: f"{R.random():.16f}", "host": lambda: pick(HOSTS),
    "first": lambda: pick(NAMES), "ulid": lambda: "01" + "".join(pick("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(24)), "token": lambda: "".join(pick("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(40)),
    "track": lambda: pick(["1Z" + digits(6) + "03" + digits(8), "94" + digits(20), digits(12, "79")]), "scope": lambda: pick(["std::fmt::Display", "ab::cd", "f64::MAX", "Foo::bar()", "cafe::Face", "u8::from", "dead::beef()", "a1::b2::c3"]),
    "slice": lambda: pick(["[::2]", "[1::3]", "a[::-1]", "m[:, ::4]", "x[10::2]"]), "css": lambda: pick(["a::before", ".x::after", "li::marker", "::part(foo)"]),
}

T = [
    # forms and letters
    ("form", "Patient: {~name}\nDOB: {~date}\nSSN: {ssn}\nHome phone: {phone}\nE-mail: {email}\nMRN: {~id9}"),
    ("form", "Employee name ......... {~name}\nSocial security no. ... {ssn_bare}\nMobile ................ {phone_bare}\nCost centre ........... {~id10}"),
    ("form", "SSN\n{ssn_bare}\nPhone\n{phone_bare}\nOrder\n{~id10}"),
    ("letter", "Dear {~name},\n\nplease reply to {email} or ring {phone} before {~date}. Our invoice {~id10} over {~money} is still open.\n\nRegards"),
    ("letter", "Sehr geehrte Frau {~name}, Ihre Bestellung {~id10} ist versandt (Sendungsnummer {~track}). Rückfragen: {email}, Telefon {phone_bare}."),
    ("letter", "Bonjour, mon numéro de téléphone est le {phone_bare} et mon adresse {email}. Commande {~id10} du {~date}, total {~money}."),
    ("letter", "Hola, soy {~name}. Mi teléfono: {phone_blanks}; mi correo: {email}. Pedido {~id10}, seguro social {ssn_blanks}."),
    ("letter", "Buongiorno, il mio cellulare è {phone_bare}, la carta {card}. Ordine {~id10}, versione {~v4dotted}."),
    ("letter", "Olá, meu celular é {phone_bare}; cartão {card}; e-mail {email}. Pedido {~id10}."),
    ("letter", "Cześć, mój telefon to {phone_bare}, adres {email}. Zamówienie nr {~date}."),
    ("i18n", "请联系{email}，手机{phone_bare}。订单{~id10}，版本{~v4dotted}。"),
    ("i18n", "お問い合わせは{email}まで。携帯{phone}、注文{~id10}。"),
    ("i18n", "연락처 {phone_bare}, 메일 {email}. 주문 {~id10}"),
    ("i18n", "Мой телефон {phone_bare}, почта {email}. Заказ {~id10} от {~date}, карта {card}."),
    ("i18n", "هاتف: {phone_bare} ، بريد: {email} ، طلب {~date}"),
    ("i18n", "फ़ोन {phone_bare}, ईमेल {email}, दिनांक {~date}"),
    # chat and notes
    ("chat", "{~first}: can you text me? {phone}\n{~first}: sure, or {email}?\n{~first}: build {~id10} is red, see {~sha}"),
    ("chat", "<{~first}> my new number is {phone_bare}\n<{~first}> ok, order is {~id10}\n<{~first}> {~handle} ping, at {~time}"),
    ("chat", "Caller left a voicemail from {phone} about card {card}; verified with SSN {ssn}."),
    ("chat", "Agent: could you confirm the last order?\nCustomer: {~id10}. And use my other card: {card}, not {~badcard}."),
    ("notes", "- [ ] call {phone} re: {~part}\n- [ ] mail {email}\n- [x] bump {~npm} and {~action}\n- see {~git}"),
    ("notes", "Meeting {~date} {~time}: {~name} ({email}, {phone}) will send {~money}; ref {~uuid}."),
    ("notes", "Contacts: {email}; {email}; {phone} (cell), {phone_bare} (home phone), fax {phone}."),
    ("prose", "The certificate for serial {~eui64} was issued on {~date}. Section {~v4dotted} explains why {~badip} is no address."),
    ("prose", "Under § {~v4dotted} the parties notify {email}. Release {~ver} ({~sha}) supersedes v{~v4dotted}."),
    ("prose", "Pay {~money} to IBAN {~iban}; EIN {~ein}; ZIP {~zip4}; do not quote {~badssn} or {~badcard}."),
    ("prose", "He wrote '{email}' on the form, then ({phone}). She: \"{email}\"! Nothing at {~coord}."),
    ("prose", "Write to {email}, {email} or {email}. Or don't: {~handle} knows."),
    ("prose", "We moved! New line: {phone}. Old number {phone} stays until {~date}. Parcel {~track}, IMEI {~imei}, EAN {~ean}."),
    # logs
    ("log", "{~ts} INFO auth user={email} ip={ip} session={~uuid} took={~int}ms"),
    ("log", "{~ts} kernel: IN=eth0 OUT= MAC={~mac} SRC={v4} DST={v4} LEN=60 TTL=52 ID={~int} PROTO=TCP SPT={~port} DPT=443"),
    ("log", "Sep 14 {~time} gw sshd[{~int}]: Accepted publickey for root from {ip} port {~port} ssh2: ED25519 SHA256:{~token}"),
    ("log", "CEF:0|Acme|FW|{~ver}|100|drop|5|src={ip} spt={~port} dst={v4} suser={email} rt={~epochms}"),
    ("log", "{ip} - {email} [{~date}:{~time} +0000] \"GET /p?id={~id10} HTTP/2\" 200 {~int} \"-\" \"Mozilla/5.0 Chrome/{~int}.0.0.0 Safari/537.36\""),
    ("log", "level=warn ts={~epoch} caller=dial.go:42 msg=\"dial tcp {v4}:{~port}: i/o timeout\" attempt={~int} trace={~sha}"),
    ("log", "E{~int} {~time} pod/api-{~int} probe failed: Get \"http://{v4}:8080/healthz\": context deadline exceeded (build {~v4dotted})"),
    ("log", "\x1b[32m{~time}\x1b[0m \x1b[36m{v4}\x1b[0m GET /users/{email} \x1b[33m404\x1b[0m {~float}"),
    ("log", "PING {~host} ({v4}) 56(84) bytes of data.\n64 bytes from {v4}: icmp_seq=1 ttl=57 time={~float} ms"),
    ("log", " 3  core1.{~host} ({v4})  {~float} ms  {v4} ({v4})  12.345 ms"),
    ("log", "billing: charge ch_{~token} for {email} declined, pan={card16} auth={~int} trace {~id12}"),
    ("log", "INFO dial-out to {phone} queued, sms job {~id10} shard {~id9} at {~epochms}"),
    # config and infrastructure
    ("config", "server {\n  listen {v4}:8080;\n  server_name {~host};\n  allow {v4}/24;\n  deny all;\n  proxy_pass http://{v4}:{~port}/;\n}"),
    ("config", "apiVersion: v1\nkind: Service\nspec:\n  clusterIP: {v4}\n  externalIPs: [{v4}, \"{v6}\"]\n  image: app:{~ver}@sha256:{~sha}\n"),
    ("config", "[smtp]\nfrom = {email}\nreply_to = \"{~name} <{email}>\"\nhost = {~host}\nversion = {~v4dotted}"),
    ("config", "{v4}\tdb01.internal db01\n{v6}\tdb02.internal\n# since {~date}, build {~v4dotted}"),
    ("config", "nameserver {v4}\nnameserver {v6}\nsearch {~host}\noptions timeout:2"),
    ("config", "eth0: inet {v4}  netmask 0xffffff00  broadcast {v4}\n      inet6 {v6}  prefixlen 64\n      ether {~mac}"),
    ("config", "ONCALL_PHONE={phone}\nADMIN_MAIL={email}\nDB=postgres://app:{~token}@{v4}:5432/x\nBUILD_ID={~id10}\nSDK_VERSION={~v4dotted}"),
    ("config", "resource \"aws_instance\" \"a\" {{\n  private_ip = \"{v4}\"\n  tags = {{ owner = \"{email}\", rev = \"{~sha}\" }}\n}}"),
    ("deps", "torch=={~v4dotted}\ngrpcio>={~v4dotted}\nname = \"hyper\"\nversion = \"{~v4dotted}\"\n{~npm}\n# by {email}"),
    ("deps", "- uses: {~action}\n- run: npm i {~npm} {~npm}\n- run: git clone {~git}\n# owner: {email}"),
    ("deps", "Bump Foo.Bar from {~v4dotted} to {~v4dotted}\n\nSigned-off-by: {~name} <{email}>\n({~sha})"),
    ("git", "^{~sha} (<{email}> {~epoch} +0200 12) let x = {~slice};\nremote: {~git}"),
    # code
    ("code", "let m: {~scope} = v{~slice}; // {~scope}\nassert_eq!(mail, \"{email}\"); // {~retina}"),
    ("code", "{~css} {{ background: url({~retina}) }} /* {~scope} {~v4dotted}-rc1 */"),
    ("code", "db.users.insertOne({{name: '{~name}', mail: '{email}', tel: '{phone}', card: '{card16}', _id: '{~sha}'}})"),
    ("code", "raise ValueError(f\"no such user {email} at {ip}\")  # id {~uuid} {~float}"),
    ("code", "const re = /^\\d{{3}}-\\d{{2}}-\\d{{4}}$/; const sample = '{ssn}'; // not {~badssn}"),
    ("code", "snmpwalk -v2c -c public {v4} {~oid}; curl https://{v4}/v{~int}/x; ssh -p {~port} {~host}"),
    # data
    ("json", "{{\"user\": {{\"email\": \"{email}\", \"phoneNumber\": \"{phone_bare}\", \"ssn\": \"{ssn_bare}\"}}, \"order_id\": \"{~id10}\", \"ts\": {~epochms}}}"),
    ("json", "{{\"customer\":\"{~name}\",\"contact\":{{\"mobile\":\"{phone_blanks}\",\"fax\":\"{phone}\"}},\"ip\":\"{ip}\",\"build\":\"{~v4dotted}\",\"req\":\"{~uuid}\"}}"),
    ("json", "{{\"rows\":[[\"{~name}\",\"{email}\",\"{card}\"],[\"{~name}\",\"{email}\",\"{~badcard}\"]],\"total\":{~int},\"hash\":\"{~sha}\"}}"),
    ("json", "{{\"log\":\"line one\\n{email}\\t{ip}\\r\\n{phone}\",\"seq\":{~id10}}}"),
    ("json", "{{\"body\":\"{{\\\"to\\\":\\\"{email}\\\",\\\"cell\\\":\\\"{phone_bare}\\\",\\\"run\\\":\\\"{~id10}\\\"}}\"}}"),
    ("json", "{{\"html\":\"\\u003ca href=\\u0022mailto:{email}\\u0022\\u003email\\u003c/a\\u003e\",\"zip\":\"{~zip4}\"}}"),
    ("xml", "<person id=\"{~id10}\"><mail>{email}</mail><cell>{phone_bare}</cell><ssn>{ssn_bare}</ssn><addr>{ip}</addr><v>{~v4dotted}</v></person>"),
    ("html", "<a href=\"mailto:{email}?subject=Hi\">{email}</a> <a href='tel:{phone}'>call</a> <img src=\"{~retina}\">"),
    ("vcard", "BEGIN:VCARD\nVERSION:4.0\nFN:{~name}\nTEL;TYPE=cell:{phone}\nEMAIL;TYPE=work:{email}\nUID:urn:uuid:{~uuid}\nREV:{~ts}\nEND:VCARD"),
    ("ldif", "dn: uid={~first},ou=people,dc=x\nmail: {email}\ntelephoneNumber: {phone}\nemployeeNumber: {~id9}\nipHostNumber: {v4}"),
    ("ical", "BEGIN:VEVENT\nDTSTAMP:20260914T101500Z\nORGANIZER;CN={~first}:mailto:{email}\nATTENDEE;RSVP=TRUE:mailto:{email}\nUID:{~uuid}\nEND:VEVENT"),
    ("sip", "INVITE sip:{email} SIP/2.0\nVia: SIP/2.0/UDP {v4}:5060;branch=z9hG4bK{~int}\nFrom: <sip:{email}>;tag={~int}\nCSeq: {~int} INVITE"),
    ("csv", "id,name,email,mobile,total\n{~id9},{~name},{email},{phone},{~money}\n{~id9},{~name},{email},{phone},{~money}"),
    ("csv", "account;holder;pan;exp\n{~id12};{~name};{card};09/28\n{~id12};{~name};{card};11/27"),
    ("csv", "sku,ean,qty,price\n{~part},{~ean},{~int},{~money}\n{~part},{~ean},{~int},{~money}"),
    ("sql", "UPDATE people SET phone = '{phone}', ssn = '{ssn}' WHERE email = '{email}' AND id = {~id10};"),
    ("sql", "COPY t (mail, ip, n) FROM stdin;\n{email}\t{ip}\t{~id10}\n{email}\t{ip}\t{~id9}\n\\."),
    ("table", "| who | mail | phone | order |\n|---|---|---|---|\n| {~name} | {email} | {phone} | {~id10} |\n| {~name} | {email} | {phone} | {~id10} |"),
    ("http", "POST /v1/charges HTTP/1.1\nHost: {~host}\nX-Real-IP: {ip}\nForwarded: for=\"[{v6}]:{~port}\";proto=https\nContent-Length: {~int}\n\nsource=card&number={card16}&email={email}"),
    ("http", "< HTTP/2 429\n< x-ratelimit-reset: {~epoch}\n< etag: \"{~sha}\"\n< server: envoy/{~v4dotted}\n< x-request-id: {~uuid}"),
    ("bank", "{~date} CARD PAYMENT {~first} STORE {card} REF {~id12} {~money}\n{~date} TRANSFER IBAN {~iban} {~money}"),
    ("label", "SHIP TO: {~name}\n12 Main St\nSpringfield IL {~zip4}\nPH: {phone}\nTRK# {~track}\nREF: {~id10}"),
    ("whois", "Registrant Email: {email}\nRegistrant Phone: {phone}\nUpdated: {~ts}\nIANA ID: {~int}\nDNSSEC: {~sha}\n% {v4} - {v4}"),
    ("clean", "commit {~sha}\nMerge {~uuid} at {~ts}; v{~v4dotted}; {~npm}; {~scope}; {~slice}; {~mac}"),
    ("clean", "run {~id10} of shard {~id9} finished at {~epochms} with ratio {~float}, {~coord}; lock {~ulid}"),
    ("clean", "SNMP {~oid} on {~mac}: firmware {~v4dotted}, serial {~part}, model {~imei}"),
    ("clean", "{~url_user} and {~git} and {~action}; {~handle} said {~retina}"),
    ("clean", "tracking {~track}, ISBN {~ean}, order {~id10}, PO {~id9}, tax {~ein}, {~money}, {~date}, {~zip4}, {~badssn}"),
]


def item(number, genre, template):
    text, spans = "", []
    for part in re.split(r"(\{~?\w+\}|\{\{|\}\})", template):
        if part in ("{{", "}}"):
            text += part[0]
        elif part.startswith("{~"):
            text += LOOK[part[2:-1]]()
        elif part.startswith("{") and part.endswith("}") and part[1:-1] in VALUES:
            kind, make = VALUES[part[1:-1]]
            value = make()
            if "\\" in template and '"' in value:
                value = value.replace('"', "").replace(" ", ".")
            spans.append({"start": len(text), "end": len(text) + len(value), "type": kind, "form": part[1:-1]})
            text += value
        else:
            text += part
    return {"id": f"s{number:05}", "genre": genre, "text": text, "spans": spans}


def main():
    count = 0
    for _ in range(14):
        for genre, template in T:
            sys.stdout.write(json.dumps(item(count, genre, template), ensure_ascii=False) + "\n")
            count += 1


main()
