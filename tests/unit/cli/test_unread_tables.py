"""Tables of portals that are not read are refused whole, and named: other languages, and the steps of sign-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aoc_cli.importing.unread_tables import language_of, why_unread
from each import each

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGN_INS = {
    "German": "Datum (UTC);Anforderungs-ID;Benutzer-Agent;Korrelations-ID;Benutzer-ID;Benutzer;Benutzername;Anwendung;"
    "Anwendungs-ID;Ressource;IP-Adresse;Standort;Status;Fehlercode der Anmeldung;Fehlerursache;Client-App",
    "French": "Date (UTC);ID de la demande;Agent utilisateur;ID de corrélation;ID d’utilisateur;Utilisateur;"
    "Nom d’utilisateur;Application;ID d’application;Ressource;Adresse IP;Emplacement;Statut;Raison de l’échec",
    "Spanish": "Fecha (UTC);Id. de solicitud;Agente de usuario;Id. de correlación;Id. de usuario;Usuario;"
    "Nombre de usuario;Aplicación;Id. de aplicación;Recurso;Dirección IP;Ubicación;Estado;Motivo del error",
    "Japanese": "日付 (UTC);要求 ID;ユーザー エージェント;関連付け ID;ユーザー ID;ユーザー;ユーザー名;アプリケーション;"
    "アプリケーション ID;リソース;IP アドレス;場所;状態;失敗の理由",
    "Italian": "Data (UTC);ID richiesta;ID correlazione;ID utente;Utente;Nome utente;Applicazione;Indirizzo IP;Stato",
    "Dutch": "Datum (UTC);Aanvraag-id;Gebruiker;Gebruikersnaam;Toepassing;Resource;IP-adres;Locatie;Status",
    "Portuguese": "Data (UTC);ID da Solicitação;Usuário;Nome de usuário;Aplicativo;Recurso;Endereço IP;Localização",
    "Chinese": "日期 (UTC);请求 ID;用户;用户名;应用程序;资源;IP 地址;位置;状态",
    "another language": "Дата (UTC);Идентификатор запроса;Пользователь;Приложение;IP-адрес;Состояние",
}  # fmt: skip
AUDITS = {
    "German": "Datum (UTC);Korrelations-ID;Dienst;Kategorie;Aktivität;Ergebnis;Ergebnisgrund;Ziel1DisplayName",
    "French": "Date (UTC);ID de corrélation;Service;Catégorie;Activité;Résultat;Raison;Cible1DisplayName",
    "Spanish": "Fecha (UTC);Id. de correlación;Servicio;Categoría;Actividad;Resultado;Motivo;Destino1DisplayName",
    "Japanese": "日付 (UTC);関連付け ID;サービス;カテゴリ;アクティビティ;結果;結果の理由;ターゲット1DisplayName",
}  # fmt: skip


def file_of(header: str, delimiter: str) -> bytes:
    names = header.split(";")
    cells = [["2026-11-23T08:00:00Z", *[f"value {n}" for n in range(len(names) - 1)]] for _ in range(3)]
    return "\r\n".join(delimiter.join(row) for row in [names, *cells]).encode("utf-8-sig")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(("language", "header"), [*SIGN_INS.items(), *AUDITS.items()])
def test_a_download_in_another_language_is_refused_whole_and_by_its_language(read, language, header, delimiter) -> None:
    made = read(file_of(header, delimiter))
    [refusal] = made.refused.values()

    assert made.items == []
    assert f"columns are in {language}: " in str(refusal)
    assert "Switch the portal to English" in str(refusal)
    assert not refusal.harmless


@pytest.mark.parametrize(
    "header",
    [
        "Date (UTC);Request ID;Authentication method;Authentication method detail;Succeeded;Result detail;Requirement",
        "requestId;Date;AuthenticationMethod;Succeeded",
    ],
)
def test_the_steps_of_sign_ins_are_named_as_what_they_are(read, header: str) -> None:
    made = read(file_of(header, ","))
    [refusal] = made.refused.values()

    assert made.items == []
    assert "the steps of sign-ins (AuthDetails)" in str(refusal)
    assert "in the other file of the download" in str(refusal)
    assert not refusal.harmless


@each(
    "header",
    [
        "Date;User;Application;Resource;IP address;Status;Request ID",
        "Name;Age;Town;Colour",
        "Datum;Benutzer",
        "naïve;Date;Status;User",
        "",
    ],
)
def test_english_and_other_tables_are_no_download_in_another_language(header: str) -> None:
    columns: Sequence[str] = header.split(";")

    assert language_of(columns) is None
    assert why_unread(columns) is None


def test_a_note_in_another_language_is_a_note(read) -> None:
    made = read("Дата, Пользователь, Приложение, и что было потом\nпросто текст\n".encode())
    [refusal] = made.refused.values()

    assert refusal.harmless
