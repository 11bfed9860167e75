"""Unified audit: SharePoint and OneDrive files (record type 6), sites (4), sharing (14), lists (36)."""

# ruff: noqa: PLR2004 - the numbers are shares and rates of invented traffic

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_sim.records.base import changes, token_id, ual
from aoc_sim.vocabulary import FILE_NAMES, FOLDERS

if TYPE_CHECKING:
    from aoc_sim.inventory import Site
    from aoc_sim.records.base import Builder, Json, Scene


def base(scene: Scene, operation: str, record_type: int, site: Site, object_id: str | None, item_type: str) -> Json:
    """The head that SharePoint records share; this workload writes names in small letters."""
    personal = "/personal/" in site.url
    record = ual(
        scene,
        operation,
        record_type,
        "OneDrive" if personal else "SharePoint",
        user_id=scene.who.upn.lower(),
        user_key=f"i:0h.f|membership|{scene.who.puid.lower()}@live.com",
        ip=scene.ip,
        object_id=object_id,
    )
    if scene.rng.random() < 0.6:
        record["AppAccessContext"] = {
            "AADSessionId": scene.guid(),
            "CorrelationId": scene.guid(),
            "UniqueTokenId": token_id(scene.guid()),
        }
    record |= {
        "CorrelationId": scene.guid(),
        "EventSource": "SharePoint",
        "ItemType": item_type,
        "ListId": site.list_id,
        "Site": site.site_id,
        "UserAgent": scene.device.user_agent,
        "WebId": site.web_id,
    }
    # older front ends do not write these
    if scene.rng.random() < 0.8:
        record |= {
            "AuthenticationType": "FormsCookieAuth",
            "BrowserName": scene.device.browser.split()[0],
            "BrowserVersion": scene.device.browser.split()[-1],
            "IsManagedDevice": scene.device.compliant,
            "Platform": "WinDesktop",
            "DeviceDisplayName": scene.device.name,
        }
    return record


def _anywhere(scene: Scene) -> Site:
    site = scene.rng.choice(scene.tenant.sites)
    if scene.rng.random() < 0.35:
        name = scene.who.upn.lower().replace("@", "_").replace(".", "_")
        url = f"https://{scene.tenant.sharepoint.replace('.', '-my.', 1)}/personal/{name}"
        return type(site)(url, scene.who.name, site.site_id, site.web_id, site.list_id)
    return site


def file(scene: Scene, operation: str, *, name: str | None = None, site: Site | None = None) -> Json:
    """Something happens to a file."""
    site = site or _anywhere(scene)
    name = name or scene.rng.choice(FILE_NAMES)
    folder = scene.rng.choice(FOLDERS)
    record = base(scene, operation, 6, site, f"{site.url}/{folder}/{name}", "File")
    record |= {
        "ListItemUniqueId": scene.guid(),
        "HighPriorityMediaProcessing": False,
        "SourceFileExtension": name.rsplit(".", 1)[-1],
        "SiteUrl": site.url + ("/" if scene.rng.random() < 0.5 else ""),
        "SourceFileName": name,
        "SourceRelativeUrl": folder,
    }
    return record


def accessed(scene: Scene) -> Json:
    """`FileAccessed`, now and then `FileAccessedExtended`."""
    return file(scene, "FileAccessed" if scene.rng.random() < 0.9 else "FileAccessedExtended")


def modified(scene: Scene) -> Json:
    """`FileModified` or `FileModifiedExtended`."""
    return file(scene, "FileModified" if scene.rng.random() < 0.8 else "FileModifiedExtended")


def previewed(scene: Scene) -> Json:
    """`FilePreviewed`."""
    return file(scene, "FilePreviewed")


def uploaded(scene: Scene) -> Json:
    """`FileUploaded`."""
    record = file(scene, "FileUploaded")
    record["FileSizeBytes"] = scene.rng.randrange(1_000, 9_000_000)
    return record


def downloaded(scene: Scene) -> Json:
    """`FileDownloaded`."""
    return file(scene, "FileDownloaded")


def synced(scene: Scene) -> Json:
    """`FileSyncDownloadedFull`: the sync client; a size is a string."""
    record = file(scene, "FileSyncDownloadedFull")
    record["UserAgent"] = "Microsoft SkyDriveSync 24.201.1006.0005 ship; Windows NT 10.0 (19045)"
    record["MachineId"] = scene.guid()
    record["FileSyncBytesCommitted"] = str(scene.rng.randrange(1_000, 90_000_000))
    return record


def deleted(scene: Scene) -> Json:
    """`FileDeleted` or `FileRecycled`."""
    return file(scene, scene.rng.choice(("FileDeleted", "FileRecycled")))


def renamed(scene: Scene) -> Json:
    """`FileRenamed`: with the destination's name."""
    record = file(scene, "FileRenamed")
    record["DestinationFileName"] = "Renamed " + record["SourceFileName"]
    record["DestinationFileExtension"] = record["SourceFileExtension"]
    record["DestinationRelativeUrl"] = record["SourceRelativeUrl"]
    return record


def malware(scene: Scene) -> Json:
    """`FileMalwareDetected`: found by a job, so there is an empty address and an app's account."""
    record = file(scene, "FileMalwareDetected", name="macro test.xlsm")
    record |= {"ClientIP": "", "UserId": "app@sharepoint", "UserAgent": "", "UserType": 0}
    record |= {"VirusInfo": "X97M/Simulated.A", "VirusVendor": "Default", "ListBaseType": 0}
    record["UserKey"] = "i:0i.t|00000003-0000-0ff1-ce00-000000000000|app@sharepoint"
    return record


def page_viewed(scene: Scene) -> Json:
    """`PageViewed`."""
    site = scene.rng.choice(scene.tenant.sites)
    record = base(scene, "PageViewed", 4, site, f"{site.url}/SitePages/Home.aspx", "Page")
    record["CustomUniqueId"] = False
    record["ImplicitShare"] = "No"
    return record


def list_viewed(scene: Scene) -> Json:
    """`ListViewed`: numbers as strings."""
    site = scene.rng.choice(scene.tenant.sites)
    record = base(scene, "ListViewed", 36, site, f"{site.url}/Lists/Tasks", "List")
    record |= {"ListBaseTemplateType": "101", "ListBaseType": "DocumentLibrary", "ItemCount": 12, "ListTitle": "Tasks"}
    return record


def folder(scene: Scene) -> Json:
    """`FolderModified` or `FolderCreated`."""
    site = _anywhere(scene)
    operation = scene.rng.choice(("FolderModified", "FolderModified", "FolderCreated"))
    record = base(scene, operation, 6, site, f"{site.url}/{FOLDERS[1]}", "Folder")
    record |= {"ListItemUniqueId": scene.guid(), "SiteUrl": site.url, "SourceFileExtension": ""}
    record |= {"SourceFileName": "Working", "SourceRelativeUrl": FOLDERS[0]}
    return record


def client_view(scene: Scene) -> Json:
    """`ClientViewSignaled`: the browser reports that a page was looked at."""
    site = scene.rng.choice(scene.tenant.sites)
    return base(scene, "ClientViewSignaled", 4, site, f"{site.url}/SitePages/Home.aspx", "Page")


def added_to_group(scene: Scene) -> Json:
    """`AddedToGroup` by SharePoint itself: empty address, the target is a system account."""
    site = scene.rng.choice(scene.tenant.sites)
    record = base(scene, "AddedToGroup", 14, site, site.url, "Web")
    record |= {"UserId": "app@sharepoint", "ClientIP": "", "UserAgent": "", "SiteUrl": site.url}
    record["UserKey"] = "i:0i.t|00000003-0000-0ff1-ce00-000000000000|app@sharepoint"
    record["EventData"] = "<Group>Site Owners</Group>"
    record |= {"TargetUserOrGroupType": "Member", "TargetUserOrGroupName": "SHAREPOINT\\system"}
    return record


def search(scene: Scene) -> Json:
    """`SearchQueryPerformed`: no object at all."""
    record = base(scene, "SearchQueryPerformed", 4, scene.rng.choice(scene.tenant.sites), None, "Web")
    record["SearchQueryText"] = "price list"
    return record


def sharing(scene: Scene) -> Json:
    """`SharingSet` or `SharingInvitationCreated`: XML in EventData, with a blank in a tag's name."""
    site = _anywhere(scene)
    operation = scene.rng.choice(("SharingSet", "SharingInvitationCreated", "AddedToSecureLink"))
    record = _shared(scene, operation, site)
    record["EventData"] = (
        "<Permissions granted>Contribute</Permissions granted><MembersCanShareApplied>False</MembersCanShareApplied>"
    )
    record["TargetUserOrGroupType"] = "Member"
    record["TargetUserOrGroupName"] = scene.other().upn
    return record


def _shared(scene: Scene, operation: str, site: Site) -> Json:
    name = scene.rng.choice(FILE_NAMES)
    record = base(scene, operation, 14, site, f"{site.url}/{FOLDERS[0]}/{name}", "File")
    record |= {
        "ListItemUniqueId": scene.guid(),
        "SiteUrl": site.url,
        "SourceFileExtension": name.rsplit(".", 1)[-1],
        "SourceFileName": name,
        "SourceRelativeUrl": f"{FOLDERS[0]}/{name}",
    }
    return record


def anonymous_link(scene: Scene) -> Json:
    """`AnonymousLinkCreated`."""
    site = _anywhere(scene)
    record = _shared(scene, "AnonymousLinkCreated", site)
    record["EventData"] = "<Type>View</Type><MembersCanShareApplied>False</MembersCanShareApplied>"
    record["UniqueSharingId"] = scene.guid()
    return record


def site_admin(scene: Scene) -> Json:
    """`SiteCollectionAdminAdded` by Microsoft's operator, whose key is the null SID."""
    site = scene.rng.choice(scene.tenant.sites)
    record = base(scene, "SiteCollectionAdminAdded", 14, site, site.url, "Web")
    record |= {"UserId": "Microsoft\\ServiceOperator", "UserKey": "S-1-0-0", "ClientIP": "", "UserAgent": ""}
    record["ModifiedProperties"] = changes(("SiteAdmin", "", scene.other().upn))
    record |= {"SiteUrl": site.url, "TargetUserOrGroupType": "SecurityGroup", "TargetUserOrGroupName": "Owners"}
    return record


BENIGN: tuple[tuple[float, Builder, bool], ...] = (
    (42, accessed, False),
    (18, modified, False),
    (8, previewed, False),
    (6, uploaded, False),
    (6, downloaded, False),
    (5, synced, False),
    (2, deleted, False),
    (1, renamed, False),
    (0.2, malware, False),
    (12, page_viewed, False),
    (4, list_viewed, False),
    (3, folder, False),
    (4, client_view, False),
    (0.5, added_to_group, True),
    (2, search, False),
    (2, sharing, False),
    (0.5, anonymous_link, False),
    (0.2, site_admin, True),
)
