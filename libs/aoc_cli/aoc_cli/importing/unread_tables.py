"""Tables that are no records as they are, though they come out of Microsoft's portals: what they are, and what to do.

Portals write the names of columns in the language of whoever is signed in. Nowhere are these documented, and a name
that is guessed would put a value into a wrong place; so such a file is refused whole, by its language.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aoc_normalizer.mappers.envelopes.tables.columns import column_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What the portals' columns say, in words that English does not have. Enough of them tell the language.
_WORDS: Final[Mapping[str, str]] = {
    "German": "datum; anforderungs-id; korrelations-id; benutzer; benutzername; benutzer-id; anwendung; "
    "anwendungs-id; ressource; ressourcen-id; ip-adresse; standort; fehlerursache; fehlercode; "
    "fehlergrund; clientanwendung; client-app; geräte-id; gerätename; betriebssystem; aktivität; dienst; "
    "kategorie; ergebnis; ergebnisgrund; ziel; ziele; initiiert von; mandanten-id; vorgang; sitzungs-id; "
    "aktivitätsdatum",
    "French": "id de demande; id de la demande; id de requête; id de corrélation; utilisateur; "
    "nom d'utilisateur; id d'utilisateur; id utilisateur; id d'application; id de l'application; "
    "ressource; id de ressource; adresse ip; emplacement; statut; état; raison de l'échec; "
    "motif de l'échec; code d'erreur; application cliente; navigateur; système d'exploitation; activité; "
    "catégorie; résultat; cible; cibles; initié par; lancé par; nom de l'appareil",
    "Spanish": "fecha; id. de solicitud; id de solicitud; id. de correlación; id de correlación; usuario; "
    "nombre de usuario; id. de usuario; id de usuario; aplicación; id. de aplicación; id de aplicación; "
    "recurso; id. de recurso; dirección ip; ubicación; estado; motivo del error; código de error; "
    "aplicación cliente; explorador; navegador; sistema operativo; actividad; servicio; categoría; "
    "resultado; destino; destinos; iniciado por",
    "Portuguese": "data; id da solicitação; id do pedido; id de correlação; usuário; utilizador; "
    "nome de usuário; nome de utilizador; aplicativo; aplicação; recurso; endereço ip; localização; local; "
    "estado; código de erro; motivo da falha; navegador; sistema operacional; atividade; serviço; "
    "categoria; resultado; destino; iniciado por",
    "Italian": "data; id richiesta; id correlazione; utente; nome utente; id utente; applicazione; "
    "id applicazione; risorsa; indirizzo ip; posizione; stato; codice errore; motivo dell'errore; "
    "sistema operativo; attività; servizio; categoria; risultato; destinazione; "
    "destinazioni; avviato da",
    "Dutch": "datum; aanvraag-id; correlatie-id; gebruiker; gebruikersnaam; gebruikers-id; toepassing; "
    "toepassings-id; ip-adres; locatie; foutcode; reden van fout; besturingssysteem; activiteit; "
    "categorie; resultaat; doel; doelen; geïnitieerd door; apparaat-id",
    "Japanese": "日付; 要求id; 関連付けid; 相関id; ユーザー; ユーザー名; ユーザーid; アプリケーション; "
    "アプリケーションid; リソース; リソースid; ipアドレス; 場所; 状態; ステータス; 失敗の理由; "
    "エラーコード; サインインエラーコード; クライアントアプリ; ブラウザー; オペレーティングシステム; "
    "アクティビティ; サービス; カテゴリ; 結果; ターゲット; 対象; 開始者; 日時",
    "Chinese": "日期; 请求id; 相关id; 用户; 用户名; 用户id; 应用程序; 应用程序id; 资源; ip地址; 位置; "
    "状态; 错误代码; 失败原因; 浏览器; 操作系统; 活动; 服务; 类别; 结果; 目标; 发起者; 要求識別碼; 使用者; "
    "使用者名稱; 應用程式; 資源; ip位址; 狀態; 活動; 類別",
}
#: Blanks, and the zone of a time.
_SPACES: Final = re.compile(r"\s+|\((?:utc|mez|gmt)[^)]*\)")
#: Columns that tell a language, and columns of a table at least.
_ENOUGH: Final = 3
_COLUMNS: Final = 4
#: Columns of the steps of sign-ins, as the Entra portal adds them (`InteractiveSignIns_AuthDetails_....csv`).
_STEPS: Final = frozenset({"requestid", "authenticationmethod"})
_OF_STEPS: Final = frozenset({"authenticationmethoddetail", "succeeded", "resultdetail", "requirement"})


def _key(column: str) -> str:
    return _SPACES.sub("", column.strip("\ufeff \t").casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


_KEYS: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(map(_key, words.split(";"))) for language, words in _WORDS.items()
}


def why_unread(header: Sequence[str]) -> str | None:
    """What a table with these columns is, and what to do; None for one that is not known here either."""
    keys = {column_key(column) for column in header}
    if keys >= _STEPS and not _OF_STEPS.isdisjoint(keys):
        return (
            "the steps of sign-ins (AuthDetails), which the Entra portal puts beside the sign-ins: they are no events "
            "and not read. The sign-ins are in the other file of the download; as JSON it has their steps, too"
        )
    language = language_of(header)
    if language is None:
        return None
    return (
        f"a table whose columns are in {language}: what a portal exports in another language than English is not read. "
        "Switch the portal to English (Settings, Language + region), and export it again"
    )


def language_of(header: Sequence[str]) -> str | None:
    """The language that the columns of a portal's table are in; None for English, and for too few of them."""
    if len(header) < _COLUMNS:
        return None
    keys = set(map(_key, header))
    language = max(_KEYS, key=lambda name: len(_KEYS[name] & keys))
    if len(_KEYS[language] & keys) >= _ENOUGH:
        return language
    foreign = sum(any(letter.isalpha() and not letter.isascii() for letter in column) for column in header)
    return "another language" if foreign >= _ENOUGH else None
