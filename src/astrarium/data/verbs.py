"""Verbs that an imperative subject of a commit begins with.

Source: the English words of Table 7 of OctoPack (arXiv 2308.07124), and more of their kind.
"""

_WORDS = """
abort accelerate accept access accumulate add address adjust advance align allot allow amplify annotate append
apply archive arrange assert assign attach augment automate avoid backup block boost break bring brush build
bump bundle cache calculate call cast catch change check choose clarify clean cleanup clear clone close collect
combine comment compare compile complete compress compute concatenate configure connect consolidate convert copy
correct count cover create customize cut deal debug decipher declare decode decommission decomplexify decompress
decouple decrease decrypt deduplicate default defer define delay delete deploy deprecate derive describe
designate destroy detach detect determine develop diminish disable discard disentangle dismantle display divide
document downgrade drop dump duplicate edit eliminate embed emit emphasize enable encode encrypt enforce enhance
enlarge ensure enumerate eradicate escalate escape establish exclude execute exit expand expect expedite expire
explain export expose extend extract facilitate factor fail fetch fill filter finish fix flatten force format
forward gather generalize generate get give group guard halt handle hasten hide ignore implement import improve
include increase increment indent index infer inflate inherit initialize inline insert install integrate
interpolate interrupt introduce invert isolate join keep kill leave let leverage limit link lint list load lock
log lower magnify maintain make manage map mark mask match measure mend merge migrate mock modernize modify
monitor move multiply name normalize omit open optimize orchestrate order organize override package pad
paraphrase parse pass paste patch permit pin place plug polish prefer prepare prepend preserve prevent print
process propagate protect provide provision prune publish pull purge push put quit quote raise randomize read
reannotate rearrange rebase reboot rebuild recomment recompile reconfigure reconnect record rectify redact
redefine redirect reduce refactor refine reformat refresh register reimplement reinforce relax release reload
relocate remove rename render reorder reorganize repackage repair rephrase replace report reposition require
reschedule reset reshape resolve respect restore restrict restructure retry return reuse revert review revise
revoke reword rework rewrite rollback round run save scale schedule scrub secure select send separate serialize
set settle setup shorten show silence simplify skip solve sort specify speed split stabilize standardize start
stipulate stop store streamline strengthen strip structure submit substitute subtract support suppress swap
switch sync synchronize tackle tag take teach terminate test throw tidy tighten toggle track transform translate
transpose trigger trim troubleshoot truncate try turn tweak unblock uncover undo unify uninstall unpack unplug
unpublish unravel unstage unsync untangle unwind unwrap update upgrade use validate verify warn watch watermark
whitelist withdraw work wrap write yield
"""

IMPERATIVES = frozenset(_WORDS.split())
