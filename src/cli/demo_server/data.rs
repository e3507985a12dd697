//! Invented people. Names, numbers and addresses belong to nobody: domains of RFC 2606, phone numbers of the fictional
//! range, card numbers of the card schemes' test sets, IP addresses of RFC 5737 and RFC 3849.

pub(super) struct Customer {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    pub(super) phone: &'static str,
    pub(super) ssn: &'static str,
    pub(super) card: &'static str,
    pub(super) last_login_from: &'static str,
}

pub(super) struct Order {
    pub(super) id: &'static str,
    pub(super) customer: &'static str,
    pub(super) item: &'static str,
    pub(super) cents: u32,
}

pub(super) const CUSTOMERS: [Customer; 5] = [
    Customer {
        id: "c-1001",
        name: "Ada Holloway",
        email: "ada.holloway@example.com",
        phone: "(212) 555-0143",
        ssn: "536-22-8714",
        card: "4111 1111 1111 1111",
        last_login_from: "203.0.113.7",
    },
    Customer {
        id: "c-1002",
        name: "Bruno Castellan",
        email: "bruno@castellan.example",
        phone: "+1 415-555-0198",
        ssn: "421-37-0065",
        card: "5555-5555-5555-4444",
        last_login_from: "2001:db8:42::1f",
    },
    Customer {
        id: "c-1003",
        name: "Chiyo Marsh",
        email: "chiyo.marsh@example.org",
        phone: "303.555.0117",
        ssn: "257-83-1190",
        card: "378282246310005",
        last_login_from: "198.51.100.23",
    },
    Customer {
        id: "c-1004",
        name: "Dele Okonjo",
        email: "d.okonjo+shop@example.net",
        phone: "(646) 555-0172",
        ssn: "318-64-2207",
        card: "6011 1111 1111 1117",
        last_login_from: "192.0.2.201",
    },
    Customer {
        id: "c-1005",
        name: "Elin Brandvold",
        email: "elin@brandvold.example",
        phone: "1-206-555-0133",
        ssn: "574-19-6358",
        card: "4000056655665556",
        last_login_from: "2001:db8::9:a",
    },
];

pub(super) const ORDERS: [Order; 7] = [
    Order {
        id: "o-501",
        customer: "c-1001",
        item: "brass desk lamp",
        cents: 8_900,
    },
    Order {
        id: "o-502",
        customer: "c-1001",
        item: "reading chair",
        cents: 31_500,
    },
    Order {
        id: "o-503",
        customer: "c-1002",
        item: "walnut shelf",
        cents: 14_250,
    },
    Order {
        id: "o-504",
        customer: "c-1003",
        item: "floor lamp",
        cents: 12_400,
    },
    Order {
        id: "o-505",
        customer: "c-1004",
        item: "wool blanket",
        cents: 6_700,
    },
    Order {
        id: "o-506",
        customer: "c-1004",
        item: "desk chair",
        cents: 22_000,
    },
    Order {
        id: "o-507",
        customer: "c-1005",
        item: "tea table",
        cents: 18_300,
    },
];

pub(super) fn customer(id: &str) -> Option<&'static Customer> {
    CUSTOMERS.iter().find(|customer| customer.id == id)
}
