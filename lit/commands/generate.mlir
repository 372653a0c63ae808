// RUN: not cim-run %t.cim --generate a 2>&1 | filecheck %s --check-prefix TOKENIZER
// RUN: not cim-run %t.cim --tokenizer bytes 2>&1 | filecheck %s --check-prefix PROMPT
// RUN: not cim-run %t.cim --generate a --tokenizer bytes --dim n=3 2>&1 | filecheck %s --check-prefix DIM
// RUN: not cim-run %t.cim --generate a --tokenizer %S/none 2>&1 | filecheck %s --check-prefix NONE
// RUN: not cim-run %t.cim --generate a --tokenizer %S 2>&1 | filecheck %s --check-prefix FOLDER
// RUN: not cim-run %t.cim --generate a --tokenizer %S/Inputs/damaged_settings 2>&1 | filecheck %s --check-prefix SETTINGS
// RUN: not cim-run %t.cim --generate a --tokenizer %S/Inputs/damaged_template 2>&1 | filecheck %s --check-prefix TEMPLATE
// RUN: not cim-run %t.cim --generate a --tokenizer bytes 2>&1 | filecheck %s --check-prefix PROGRAM
// RUN: not cim-run %t.cim --generate '' --tokenizer bytes 2>&1 | filecheck %s --check-prefix EMPTY

// What is wrong with a text is said before the program is loaded, in one line.
// TOKENIZER: cim-run: error: argument --generate: how its tokens are written is not known, expected --tokenizer FOLDER
// PROMPT:    cim-run: error: argument --tokenizer: there is nothing to write, expected --generate PROMPT
// DIM:       cim-run: error: argument --dim: not allowed with argument --generate
// NONE:      {{^}}cimc: error: {{.*}}none: cannot be read: no such file or directory, expected a folder with tokenizer.json, or bytes{{$}}
// FOLDER:    {{^}}cimc: error: {{.*}}tokenizer.json: cannot be read: no such file, expected a folder with tokenizer.json, or bytes{{$}}
// SETTINGS:  {{^}}cimc: error: {{.*}}config.json: not JSON: {{.+$}}
// TEMPLATE:  {{^}}cimc: error: chat template: cannot be read: {{.+}}: --no-template takes the text as it is{{$}}
// PROGRAM:   {{^}}cimc: error: {{.*}}.cim: {{.*}}no such file or directory{{$}}
// EMPTY:     {{^}}cimc: error: the prompt is empty: expected some text{{$}}
