"""The words that the invented tenants are made of."""

from __future__ import annotations

GIVEN_NAMES = (
    "Ailsa", "Bram", "Chidi", "Dunja", "Emre", "Farah", "Gijs", "Hana", "Idris", "Jorun", "Kavi", "Liesel",
    "Mireille", "Nadim", "Oona", "Pavel", "Quinta", "Rohan", "Saskia", "Tamsin", "Ulrik", "Vesna", "Wout",
    "Xanthe", "Yusuf", "Zofia",
)  # fmt: skip
FAMILY_NAMES = (
    "Aldervane", "Brouwhof", "Castelline", "Dunmorrow", "Eikelaar", "Farnholt", "Grevesmoor", "Hollanby",
    "Ivarsund", "Jessamine", "Kestrelby", "Lindqvale", "Marrowind", "Noordvliet", "Oakhollow", "Pellinore",
)  # fmt: skip
DEPARTMENTS = (
    "Finance", "Sales", "Operations", "Engineering", "People", "Legal", "Support", "Marketing", "Purchasing", "IT",
)  # fmt: skip
TITLES = ("Analyst", "Coordinator", "Specialist", "Lead", "Manager", "Engineer", "Assistant", "Director")
GROUP_WORDS = ("Staff", "Leads", "Readers")
SITE_WORDS = (
    "Month End", "Tenders", "Plant Floor", "Onboarding", "Contracts", "Price Lists", "Roadmap", "Town Hall",
    "Audit Evidence", "Field Notes",
)  # fmt: skip
APP_NAMES = (
    "Payroll Bridge", "Invoice Scanner", "Badge Printer Sync", "Room Finder", "Backup Harbour", "Ticket Relay",
    "Warehouse Feed", "Shift Planner", "CRM Mirror", "Survey Kiosk", "Lunch Bot", "Asset Register", "Print Queue",
    "AOC collector",
    "vm-build-01", "func-nightly-export", "aks-orders-agent", "automation-cleanup",
)  # fmt: skip
FILE_NAMES = (
    "Forecast Q3.xlsx", "Supplier list.xlsx", "Offer draft.docx", "Minutes.docx", "Floor plan.pdf", "Price sheet.csv",
    "Training deck.pptx", "Photo 0031.jpg", "Contract, signed.pdf", "Budget final (2).xlsx", "Notes.one", "export.zip",
)  # fmt: skip
FOLDERS = ("Shared Documents", "Shared Documents/Working", "Shared Documents/Archive 2025", "Documents")
SUBJECTS = (
    "Weekly numbers", "Question about the order", "RE: site visit", "Lunch on Thursday?", "Fwd: delivery note",
    "Reminder: timesheets", "Planning Q3", "New badge",
)  # fmt: skip
TEAMS = ("Month End Crew", "Tender Desk", "Plant Floor", "Newcomers", "IT Help")

# city, state, country, latitude, longitude, zone, last byte of the office's address
OFFICES: dict[str, tuple[tuple[str, str, str, float, float, str, int], ...]] = {
    "NL": (
        ("Utrecht", "Utrecht", "NL", 52.0907, 5.1214, "Europe/Amsterdam", 10),
        ("Hamburg", "Hamburg", "DE", 53.5511, 9.9937, "Europe/Berlin", 20),
        ("Leeds", "England", "GB", 53.8008, -1.5491, "Europe/London", 30),
    ),
    "US": (
        ("Denver", "Colorado", "US", 39.7392, -104.9903, "America/Denver", 110),
        ("Columbus", "Ohio", "US", 39.9612, -82.9988, "America/New_York", 120),
        ("Calgary", "Alberta", "CA", 51.0447, -114.0719, "America/Edmonton", 130),
    ),
}

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT}"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"

# weight, operating system, browser, user agent
BROWSERS = (
    (6, "Windows10", "Edge 131.0.0", f"{_WINDOWS} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"),
    (3, "Windows 11", "Chrome 130.0.0", f"{_WINDOWS} Chrome/130.0.0.0 Safari/537.36"),
    (2, "MacOs", "Safari 18.1", f"{_MAC} Version/18.1 Safari/605.1.15"),
    (1, "Linux", "Firefox 132.0", "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"),
)

# First-party application ids are the same in every tenant (entra-docs, first-party application table).
OFFICE_APPS = (
    ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
    ("00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online"),
    ("1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams"),
    ("d3590ed6-52b3-4102-aeff-aad2292ab01c", "Microsoft Office"),
    ("c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal"),
    ("89bee1f7-5e6e-4d8a-9f3d-ecd601259da7", "Office365 Shell WCSS-Client"),
)
RESOURCES = (
    ("00000003-0000-0000-c000-000000000000", "Microsoft Graph"),
    ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"),
    ("00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online"),
    ("00000002-0000-0000-c000-000000000000", "Windows Azure Active Directory"),
)
