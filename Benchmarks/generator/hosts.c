// SPDX-License-Identifier: Apache-2.0
// Lines as hosts write them.
#include "line.h"

static const char *const users[] = {"engineer", "operator", "svc-hist", "m.weber", "a.kowalski", "backup"};
static const char *const stations[] = {"HMI4", "ENG-WS2", "HIST1", "DC1", "JUMP2", "SCADA3"};

/// sshd, with the lines of its PAM session; their forms never vary.
void writeOpenSSH(Line *line) {
    unsigned kind = below(100), port = below(28000) + 32768;
    put(line, "<38>" BSD " jump%u sshd[%u]: ", below(12) + 1, below(60000) + 400);
    if (kind < 30) {
        put(line, "Accepted publickey for %s from %s port %u ssh2: ED25519 SHA256:" MARK "AbCdEfGhIjKl", ANY(users),
            inside(), port);
    } else if (kind < 60) {
        put(line, "Failed password for invalid user " MARK " from %s port %u ssh2", outside(), port);
    } else if (kind < 75) {
        put(line, "Invalid user " MARK " from %s port %u", outside(), port);
    } else if (kind < 90) {
        put(line, "Disconnected from user " MARK " %s port %u", inside(), port);
    } else {
        put(line, "Failed password for " MARK " from %s port %u ssh2", outside(), port);
    }
}

/// The Windows event log as XML: a logon, as collectors forward it.
void writeWindows(Line *line) {
    unsigned failed = below(100) < 30;
    const char *station = ANY(stations), *user = ANY(users);
    unsigned last = below(9000) + 1000;
    put(line, "<13>1 " ISO "." MICROS "Z %s.plant.example Microsoft-Windows-Security-Auditing 712 - - ", station);
    put(line, "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
              "<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/>");
    put(line, "<EventID>%u</EventID><Version>2</Version><Level>0</Level><Task>12544</Task><Opcode>0</Opcode>"
              "<Keywords>0x80%u000000000000</Keywords><TimeCreated SystemTime='" ISO "." MICROS "7Z'/>",
        failed ? 4625 : 4624, failed ? 10 : 20);
    put(line, "<EventRecordID>%u</EventRecordID><Correlation/><Execution ProcessID='712' ThreadID='%u'/>"
              "<Channel>Security</Channel><Computer>%s.plant.example</Computer><Security/></System><EventData>",
        below(90000000), below(9000), station);
    put(line, "<Data Name='SubjectUserSid'>S-1-5-18</Data><Data Name='SubjectUserName'>%s$</Data>"
              "<Data Name='SubjectDomainName'>PLANT</Data><Data Name='SubjectLogonId'>0x3e7</Data>", station);
    put(line, "<Data Name='TargetUserSid'>S-1-5-21-1004336348-1177238915-682003330-%u</Data>"
              "<Data Name='TargetUserName'>%s</Data><Data Name='TargetDomainName'>PLANT</Data>", last, user);
    if (failed) {
        put(line, "<Data Name='Status'>0xc000006d</Data><Data Name='FailureReason'>%%%%2313</Data>"
                  "<Data Name='SubStatus'>0xc000006a</Data>");
    } else {
        put(line, "<Data Name='TargetLogonId'>0x%x</Data>", below(900000000));
    }
    put(line, "<Data Name='LogonType'>%u</Data><Data Name='LogonProcessName'>NtLmSsp </Data>"
              "<Data Name='AuthenticationPackageName'>NTLM</Data><Data Name='WorkstationName'>%s</Data>",
        below(2) ? 3 : 10, ANY(stations));
    if (!failed) put(line, "<Data Name='LogonGuid'>{" MARK "}</Data>");
    put(line, "<Data Name='TransmittedServices'>%s</Data><Data Name='LmPackageName'>NTLM V2</Data>"
              "<Data Name='KeyLength'>128</Data><Data Name='ProcessId'>0x%x</Data>", failed ? MARK : "-", below(60000));
    put(line, "<Data Name='ProcessName'>C:\\Windows\\System32\\svchost.exe</Data><Data Name='IpAddress'>%s</Data>"
              "<Data Name='IpPort'>%u</Data></EventData></Event>", inside(), below(28000) + 32768);
}
