; Installer of astro-monitor for Windows, for one user, without administrator rights. Made by build.py:
;   makensis -DVERSION=0.2.0 -DVERSION_NUMBERS=0.2.0.0 -DPAYLOAD=folder -DLICENSE=file -DOUTFILE=file installer.nsi
; PAYLOAD holds python\ (the embeddable Python of python.org) and packages\ (astro-monitor and what it needs).
;
; Silent: astro-monitor-setup.exe /S /CAPTURES=D:\Captures /AUTOSTART=1
; The state folder (night logs, lists, settings) is never touched, neither by an update nor by the removal.

Unicode true
ManifestDPIAware true
RequestExecutionLevel user
SetCompressor /SOLID lzma

!include "MUI2.nsh"
!include "nsDialogs.nsh"
!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "x64.nsh"

!define NAME "astro-monitor"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"
!define OWN_KEY "Software\${NAME}"
; platformdirs puts the state folder here: author and program have the same name.
!define STATE "$LOCALAPPDATA\${NAME}"

Name "${NAME} ${VERSION}"
OutFile "${OUTFILE}"
InstallDir "$LOCALAPPDATA\Programs\${NAME}"
InstallDirRegKey HKCU "${OWN_KEY}" "Folder"

VIProductVersion "${VERSION_NUMBERS}"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Frame quality monitoring for telescopes"
VIAddVersionKey "LegalCopyright" "BSD-3-Clause"

Var Captures
Var Autostart
Var CapturesField
Var AutostartField

!define MUI_ABORTWARNING
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "Start watching now"
!define MUI_FINISHPAGE_RUN_FUNCTION StartWatching
!define MUI_FINISHPAGE_RUN_NOTCHECKED

!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${LICENSE}"
Page custom CapturesPage CapturesPageLeave
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH

!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES

!insertmacro MUI_LANGUAGE "English"

; A program file that runs cannot be opened for writing.
!macro WaitUntilClosed un
Function ${un}WaitUntilClosed
  again:
  ${IfNot} ${FileExists} "$INSTDIR\python\python.exe"
    Return
  ${EndIf}
  ClearErrors
  FileOpen $0 "$INSTDIR\python\python.exe" a
  ${IfNot} ${Errors}
    FileClose $0
    Return
  ${EndIf}
  MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "astro-monitor is running. Close its window, then try again." /SD IDCANCEL IDRETRY again
  SetErrorLevel 3
  Abort
FunctionEnd
!macroend
!insertmacro WaitUntilClosed ""
!insertmacro WaitUntilClosed "un."

Function .onInit
  ${IfNot} ${RunningX64}
    MessageBox MB_ICONSTOP "astro-monitor needs a 64-bit Windows." /SD IDOK
    SetErrorLevel 2
    Abort
  ${EndIf}
  ReadRegStr $Captures HKCU "${OWN_KEY}" "Captures"
  ReadRegStr $Autostart HKCU "${OWN_KEY}" "Autostart"
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/CAPTURES=" $1
  ${IfNot} ${Errors}
    StrCpy $Captures $1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/AUTOSTART=" $1
  ${IfNot} ${Errors}
    StrCpy $Autostart $1
  ${EndIf}
FunctionEnd

Function CapturesPage
  !insertmacro MUI_HEADER_TEXT "Capture folder" "Where does your capture program write its frames?"
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateLabel} 0 0 100% 36u "Choose the folder that your capture program writes into. Sub-folders are watched, too. astro-monitor only reads this folder and never changes a frame."
  Pop $0
  ${NSD_CreateDirRequest} 0 44u 78% 13u "$Captures"
  Pop $CapturesField
  ${NSD_CreateBrowseButton} 80% 44u 20% 13u "Browse..."
  Pop $0
  ${NSD_OnClick} $0 BrowseCaptures
  ${NSD_CreateCheckbox} 0 70u 100% 12u "Start watching whenever I log in to Windows"
  Pop $AutostartField
  ${If} $Autostart == "1"
    ${NSD_Check} $AutostartField
  ${EndIf}
  ${NSD_CreateLabel} 0 90u 100% 24u "You can leave the folder empty and choose it later: run this installer again."
  Pop $0
  nsDialogs::Show
FunctionEnd

Function BrowseCaptures
  ${NSD_GetText} $CapturesField $0
  nsDialogs::SelectFolderDialog "The folder that your capture program writes into" "$0"
  Pop $0
  ${If} $0 != "error"
    ${NSD_SetText} $CapturesField "$0"
  ${EndIf}
FunctionEnd

Function CapturesPageLeave
  ${NSD_GetText} $CapturesField $Captures
  ${NSD_GetState} $AutostartField $0
  StrCpy $Autostart "0"
  ${If} $0 == ${BST_CHECKED}
    StrCpy $Autostart "1"
  ${EndIf}
  ${If} $Captures != ""
  ${AndIfNot} ${FileExists} "$Captures\*.*"
    MessageBox MB_ICONEXCLAMATION "The folder $Captures does not exist. Choose the folder that your capture program writes into."
    Abort
  ${EndIf}
  ${If} $Captures == ""
  ${AndIf} $Autostart == "1"
    MessageBox MB_ICONEXCLAMATION "Choose a capture folder, or do not start watching at login."
    Abort
  ${EndIf}
FunctionEnd

; The folder as an argument: a backslash before the closing quote would be read as part of the name.
Function CapturesArgument
  StrCpy $1 $Captures "" -1
  StrCpy $0 $Captures
  ${If} $1 == "\"
    StrCpy $0 "$Captures."
  ${EndIf}
FunctionEnd

Function StartWatching
  ${If} $Captures == ""
    MessageBox MB_ICONINFORMATION "No capture folder is chosen. Run this installer again to choose one."
    Return
  ${EndIf}
  ExecShell "" "$SMPROGRAMS\${NAME}\Watch.lnk"
FunctionEnd

Section "astro-monitor"
  Call WaitUntilClosed
  ; A folder "python" that another program put there, such as %LOCALAPPDATA%\Programs\Python, is not to be removed.
  ${IfNot} ${FileExists} "$INSTDIR\astro-monitor.cmd"
    ${If} ${FileExists} "$INSTDIR\python\*.*"
    ${OrIf} ${FileExists} "$INSTDIR\packages\*.*"
      MessageBox MB_ICONSTOP "$INSTDIR holds files of another program. Choose an empty folder." /SD IDOK
      SetErrorLevel 4
      Abort
    ${EndIf}
  ${EndIf}
  ; Written first: an installation that is cut off can be repeated.
  SetOutPath "$INSTDIR"
  FileOpen $0 "$INSTDIR\astro-monitor.cmd" w
  FileWrite $0 '@"%~dp0python\python.exe" -m astro_monitor %*$\r$\n'
  FileClose $0
  ; Files of an earlier version must not be found by this one.
  RMDir /r "$INSTDIR\python"
  RMDir /r "$INSTDIR\packages"
  File /r "${PAYLOAD}/*.*"

  ${DisableX64FSRedirection}
  ${IfNot} ${FileExists} "$WINDIR\System32\msvcp140.dll"
    MessageBox MB_ICONEXCLAMATION "Windows lacks the Microsoft Visual C++ Redistributable (x64), which astro-monitor needs. Install it from Microsoft before you start watching." /SD IDOK
  ${EndIf}
  ${EnableX64FSRedirection}

  CreateDirectory "$SMPROGRAMS\${NAME}"
  Delete "$SMPROGRAMS\${NAME}\Watch.lnk"
  Delete "$SMSTARTUP\${NAME}.lnk"
  ${If} $Captures != ""
    Call CapturesArgument
    SetOutPath "$PROFILE"
    CreateShortcut "$SMPROGRAMS\${NAME}\Watch.lnk" "$INSTDIR\python\python.exe" '-m astro_monitor watch "$0"'
    CreateShortcut "$SMPROGRAMS\${NAME}\Check that everything is ready.lnk" "$SYSDIR\cmd.exe" '/k ""$INSTDIR\astro-monitor.cmd" doctor "$0""'
    ${If} $Autostart == "1"
      CreateShortcut "$SMSTARTUP\${NAME}.lnk" "$INSTDIR\python\python.exe" '-m astro_monitor watch "$0"' "" "" SW_SHOWMINIMIZED
    ${EndIf}
  ${EndIf}
  CreateDirectory "${STATE}"
  CreateShortcut "$SMPROGRAMS\${NAME}\Nights and lists.lnk" "${STATE}"
  CreateShortcut "$SMPROGRAMS\${NAME}\Remove astro-monitor.lnk" "$INSTDIR\uninstall.exe"

  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKCU "${OWN_KEY}" "Folder" "$INSTDIR"
  WriteRegStr HKCU "${OWN_KEY}" "Captures" "$Captures"
  WriteRegStr HKCU "${OWN_KEY}" "Autostart" "$Autostart"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" $0
SectionEnd

Section "Uninstall"
  Call un.WaitUntilClosed
  RMDir /r "$INSTDIR\python"
  RMDir /r "$INSTDIR\packages"
  Delete "$INSTDIR\astro-monitor.cmd"
  Delete "$INSTDIR\uninstall.exe"
  ; Only if nothing else is in it.
  RMDir "$INSTDIR"
  Delete "$SMSTARTUP\${NAME}.lnk"
  Delete "$SMPROGRAMS\${NAME}\Watch.lnk"
  Delete "$SMPROGRAMS\${NAME}\Check that everything is ready.lnk"
  Delete "$SMPROGRAMS\${NAME}\Nights and lists.lnk"
  Delete "$SMPROGRAMS\${NAME}\Remove astro-monitor.lnk"
  RMDir "$SMPROGRAMS\${NAME}"
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
  DeleteRegKey HKCU "${OWN_KEY}"
  MessageBox MB_ICONINFORMATION "astro-monitor is removed. Your nights and lists are kept in ${STATE}; delete that folder if you no longer need them." /SD IDOK
SectionEnd
