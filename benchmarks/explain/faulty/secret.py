from huggingface_hub import HfApi

TOKEN = "hf_qWeRtYuIoPaSdFgHjKlZxCvBnM1234567"
HfApi(token=TOKEN).upload_file(path_or_fileobj="a.txt", path_in_repo="a.txt", repo_id="me/x")
